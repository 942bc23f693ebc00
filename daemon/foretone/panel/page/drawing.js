// A whole session in one picture.

const INSIDE = 10; // px between the picture's edge and what is drawn

/** `seen` has length in s, and events of [s, origin, values]; `part` is marked in it, and `at` is where it plays. */
export function drawSession(canvas, seen, colours, { part, at }) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const x = (time) => INSIDE + (time / (seen.length || 1)) * (width - 2 * INSIDE);
  const y = (value) => height - INSIDE - value * (height - 2 * INSIDE);
  for (const [time, origin, values] of seen.events) {
    pen.fillStyle = colours.of(origin);
    for (const value of values) pen.fillRect(x(time) - 0.8, y(value) - 0.8, 1.6, 1.6);
  }
  pen.fillStyle = "#0b0a10c0";
  pen.fillRect(0, 0, x(part[0]), height);
  pen.fillRect(x(part[1]), 0, width, height);
  if (at !== undefined) {
    pen.fillStyle = "#fff";
    pen.fillRect(x(Math.min(at, seen.length)) - 0.5, 0, 1, height);
  }
}

// Canvases: sharp on every screen, and a whole session in one picture.

const INSIDE = 10; // px between the picture's edge and what is drawn

/** Give a canvas as many dots as it has on the screen; what it is drawn on, in CSS pixels. */
export function fit(canvas) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const { clientWidth: width, clientHeight: height } = canvas;
  const wanted = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wanted[0] || canvas.height !== wanted[1]) {
    [canvas.width, canvas.height] = wanted; // which also wipes it
    pen(canvas).setTransform(ratio, 0, 0, ratio, 0, 0);
  }
  return { width, height };
}

export const pen = (canvas) => canvas.getContext("2d");

/** `seen` has length in s, and events of [s, origin, values]; `part` is marked in it, and `at` is where it plays. */
export function drawSession(canvas, seen, colours, { part, at }) {
  const { width, height } = fit(canvas);
  const ink = pen(canvas);
  ink.clearRect(0, 0, width, height);
  const x = (time) => INSIDE + (time / (seen.length || 1)) * (width - 2 * INSIDE);
  const y = (value) => height - INSIDE - value * (height - 2 * INSIDE);
  for (const [time, origin, values] of seen.events) {
    ink.fillStyle = colours.of(origin);
    for (const value of values) ink.fillRect(x(time) - 0.8, y(value) - 0.8, 1.6, 1.6);
  }
  ink.fillStyle = "#0b0a10c0";
  ink.fillRect(0, 0, x(part[0]), height);
  ink.fillRect(x(part[1]), 0, width, height);
  if (at !== undefined) {
    ink.fillStyle = "#fff";
    ink.fillRect(x(Math.min(at, seen.length)) - 0.5, 0, 1, height);
  }
}

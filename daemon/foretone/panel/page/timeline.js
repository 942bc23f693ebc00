// What was played, left of now; what is predicted, right of it.

import { make } from "./dom.js";
import { fit } from "./drawing.js";
import { UNSEEN } from "./words.js";

const PAST = 6; // s shown of what was played
const AHEAD = 2; // s shown of what is predicted
const FLOWING = 0.25; // s: events closer than this are one movement and are joined
const KEPT = 4000; // events of one origin, so that a flood cannot fill the page's memory

export class Timeline {
  constructor(canvas, legend) {
    Object.assign(this, { canvas, legend, played: new Map(), ahead: [], lag: Infinity });
    this.pen = canvas.getContext("2d");
    const frame = () => {
      this.draw();
      requestAnimationFrame(frame); // the browser stops asking when nobody looks
    };
    requestAnimationFrame(frame);
  }

  build(about, colours) {
    this.colours = colours;
    this.played.clear();
    this.ahead = [];
    this.legend.replaceChildren();
    // A source that only listens is named when it first plays; what can be seen is named at once.
    const seen = (part) => part.role === "player" || (part.role === "source" && !UNSEEN.test(part.kind));
    for (const part of about.parts.filter(seen)) this.name(part.name);
  }

  /** Name an origin in the legend. */
  name(origin) {
    this.played.set(origin, []);
    const entry = make("span", {}, origin);
    entry.style.setProperty("--colour", this.colours.of(origin));
    this.legend.append(entry);
  }

  add(state) {
    const lag = performance.now() / 1000 - state.now;
    // The quickest report is the truest. It is forgotten slowly, for clocks that drift and machines that slept.
    this.lag = Math.abs(lag - this.lag) > 1 ? lag : Math.min(lag, this.lag + 0.0005);
    for (const [time, origin, values] of state.events ?? []) {
      if (!this.played.has(origin)) this.name(origin);
      const line = this.played.get(origin);
      line.push([time, values]);
      if (line.length > KEPT) line.splice(0, line.length - KEPT);
    }
    this.ahead = state.ahead ?? [];
    this.canvas.dataset.ahead = String(this.ahead.length);
  }

  draw() {
    const { width, height } = fit(this.canvas);
    if (!width) return; // another tab is seen
    const { pen } = this;
    Object.assign(this, { width, height });
    pen.clearRect(0, 0, width, height);
    const now = Number.isFinite(this.lag) ? performance.now() / 1000 - this.lag : 0;
    const speed = width / (PAST + AHEAD);
    const x = (time) => (PAST + time - now) * speed;
    const y = (value) => height - 14 - Math.min(1, Math.max(0, value)) * (height - 28);
    this.drawGround(now, x);
    for (const [origin, line] of this.played) {
      while (line.length > 1 && line[1][0] < now - PAST) line.shift();
      const axes = line.reduce((most, [, values]) => Math.max(most, values.length), 0);
      for (let axis = 0; axis < axes; axis += 1) {
        this.drawPlayed(line, axis, this.colours.of(origin), x, y, now);
      }
    }
    for (const origin of new Set(this.ahead.map((event) => event[1]))) {
      const line = this.ahead.filter((event) => event[1] === origin);
      const axes = line.reduce((most, [, , values]) => Math.max(most, values.length), 0);
      for (let axis = 0; axis < axes; axis += 1) this.drawAhead(line, axis, this.colours.of(origin), x, y, now);
    }
  }

  drawGround(now, x) {
    const { pen, height, width } = this;
    const here = x(now);
    pen.fillStyle = "rgba(255,255,255,0.045)";
    pen.fillRect(here, 0, width - here, height);
    pen.fillStyle = "rgba(255,255,255,0.09)";
    for (let second = Math.ceil(now - PAST); second < now + AHEAD; second += 1) pen.fillRect(x(second), 0, 1, height);
    pen.fillStyle = "rgba(255,255,255,0.85)";
    pen.fillRect(here - 1, 0, 2, height);
    pen.font = "600 12px system-ui, sans-serif";
    pen.fillText("now", here + 7, 15);
  }

  drawPlayed(line, axis, colour, x, y, now) {
    const { pen } = this;
    const path = new Path2D();
    const rests = new Path2D();
    const dots = new Path2D();
    line.forEach(([time, values], index) => {
      const [nextTime, nextValues] = line[index + 1] ?? [now, null];
      if (values.length <= axis) return;
      const [left, top] = [x(time), y(values[axis])];
      const flows = nextValues?.length > axis && nextTime - time <= FLOWING;
      const flowed = index > 0 && line[index - 1][1].length > axis && time - line[index - 1][0] <= FLOWING;
      if (flows) {
        path.moveTo(left, top);
        path.lineTo(x(nextTime), y(nextValues[axis]));
      } else {
        rests.rect(left, top - 1, Math.max(0, x(nextTime) - left), 2);
      }
      if (!flowed || !flows) {
        dots.moveTo(left + 5, top);
        dots.arc(left, top, 5, 0, 2 * Math.PI);
      }
    });
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineCap = pen.lineJoin = "round";
    pen.globalAlpha = 0.3;
    pen.fill(rests);
    pen.globalAlpha = 0.22;
    pen.lineWidth = 9;
    pen.stroke(path);
    pen.globalAlpha = 1;
    pen.lineWidth = 3;
    pen.stroke(path);
    pen.fill(dots);
  }

  /** Hollow: a dashed line through what flows, a ring where something begins. */
  drawAhead(line, axis, colour, x, y, now) {
    const { pen } = this;
    const path = new Path2D();
    const rings = new Path2D();
    let before = -Infinity;
    for (const [time, , values] of line) {
      const [left, top] = [x(Math.max(time, now)), y(values[axis])];
      if (time - before <= FLOWING) path.lineTo(left, top);
      else {
        path.moveTo(left, top);
        rings.moveTo(left + 5, top);
        rings.arc(left, top, 5, 0, 2 * Math.PI);
      }
      before = time;
    }
    pen.strokeStyle = colour;
    pen.lineWidth = 2;
    pen.setLineDash([2, 4]);
    pen.stroke(path);
    pen.setLineDash([]);
    pen.stroke(rings);
  }
}

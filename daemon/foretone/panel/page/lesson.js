// How the learning goes: what is still missed, as it gets less, and what is missed of the untaught.

import { byId, mark, say } from "./dom.js";
import { fit, pen } from "./drawing.js";
import { percent } from "./words.js";

export class Lesson {
  constructor() {
    this.curve = [];
    new ResizeObserver(() => this.draw()).observe(byId("loss"));
  }

  /** `training` as the instrument tells it: progress and loss, then scores and those of what was held out. */
  update(training) {
    const { progress, loss, failed, scores, held_out: heldOut } = training;
    const learning = progress !== undefined && progress < 1 && !failed && !scores;
    byId("lesson").hidden = !learning;
    byId("cancel").hidden = !learning;
    if (learning) byId("lesson").value = progress;
    this.note(training);
    const misses = (told) => (typeof told?.error === "number" ? `${percent(told.error)} %` : "");
    const ended = [misses(scores) && `It misses what you showed by ${misses(scores)}`,
      misses(heldOut) && `what it was not shown by about ${misses(heldOut)}`].filter(Boolean).join(", ");
    say(byId("learned"), failed ?? (learning
      ? `Learning${typeof loss === "number" ? `: misses ${percent(loss)} % so far` : ""}.` : ended && `${ended}.`));
  }

  /** The curve grows while it learns; a lesson of a moment has told all of it at its end. */
  note({ progress, loss, losses }) {
    if (losses) {
      if (losses === this.losses || String(losses) === String(this.losses)) return;
      this.losses = losses;
      this.curve = losses.map((each, step) => [(step + 1) / losses.length, each]);
    } else if (progress !== undefined && progress !== this.curve.at(-1)?.[0]) {
      this.losses = undefined;
      if (!(progress > this.curve.at(-1)?.[0])) this.curve = [];
      if (typeof loss === "number") this.curve.push([progress, loss]);
    } else return;
    byId("loss").hidden = this.curve.length < 2;
    if (this.curve.length < 2) return;
    mark(byId("loss"), "aria-label", `While it learned, what it missed fell from ${percent(this.curve[0][1])} to ${
      percent(this.curve.at(-1)[1])} %`);
    this.draw();
  }

  draw() {
    const canvas = byId("loss");
    const { width, height } = fit(canvas);
    if (!width || this.curve.length < 2) return;
    const ink = pen(canvas);
    const most = Math.max(...this.curve.map(([, loss]) => loss), 1e-6);
    ink.clearRect(0, 0, width, height);
    ink.beginPath();
    for (const [progress, loss] of this.curve) {
      ink.lineTo(4 + progress * (width - 8), height - 4 - (loss / most) * (height - 8));
    }
    ink.strokeStyle = "#ffb347";
    ink.lineWidth = 2.5;
    ink.lineJoin = "round";
    ink.stroke();
  }
}

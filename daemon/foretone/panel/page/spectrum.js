// What sounds just now, from low to high. The panel makes it of the synth's own samples.

import { mark } from "./dom.js";
import { fit, pen } from "./drawing.js";

const FLOOR = -90; // dB that count as silence
const LOWEST = 50; // Hz in the middle of the first band, and of the last
const HIGHEST = 16000;
const FALL = 1.6; // dB that a bar falls between two looks, so that the eye can follow
const SPOKEN = 1000; // ms between two changes of what a screen reader may read
const MARKS = [[100, "100"], [1000, "1 k"], [10000, "10 k"]];

export class Spectrum {
  constructor(canvas) {
    Object.assign(this, { canvas, shown: [], spoken: 0 });
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** Levels in dB, a band each; undefined while nothing can be heard. */
  update(levels) {
    this.shown = (levels ?? this.shown.map(() => FLOOR)).map((level, band) =>
      Math.max(level, (this.shown[band] ?? FLOOR) - FALL));
    this.draw();
    if (performance.now() < this.spoken + SPOKEN) return;
    this.spoken = performance.now();
    const loudest = Math.max(...(levels ?? [FLOOR]));
    const at = levels?.indexOf(loudest) ?? 0;
    this.canvas.dataset.loudest = String(loudest);
    mark(this.canvas, "aria-label", loudest <= FLOOR ? "Spectrum: silence"
      : `Spectrum: loudest at ${hertz(at / (levels.length - 1))} hertz, ${loudest} decibels`);
  }

  draw() {
    const { width, height } = fit(this.canvas);
    if (!width) return; // another tab is seen
    const ink = pen(this.canvas);
    const bottom = height - 18;
    ink.clearRect(0, 0, width, height);
    ink.fillStyle = "#aaa4bd";
    ink.font = "500 12px system-ui, sans-serif";
    ink.textAlign = "center";
    for (const [at, name] of MARKS) {
      ink.fillText(name, (Math.log(at / LOWEST) / Math.log(HIGHEST / LOWEST)) * width, height - 4);
    }
    const wide = width / Math.max(1, this.shown.length);
    const glow = ink.createLinearGradient(0, bottom, 0, 0);
    for (const [stop, colour] of [[0, "#3d3350"], [0.45, "#ffb347"], [1, "#fff4d6"]]) glow.addColorStop(stop, colour);
    ink.fillStyle = glow;
    this.shown.forEach((level, band) => {
      const tall = Math.max(2, (1 - level / FLOOR) * bottom);
      ink.fillRect(band * wide + 1, bottom - tall, Math.max(1, wide - 2), tall);
    });
  }
}

const hertz = (share) => Math.round(LOWEST * (HIGHEST / LOWEST) ** share);

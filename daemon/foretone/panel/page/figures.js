// How it plays: what is out of order, how late it was, what was counted.

import { byId, make, say } from "./dom.js";
import { name, number } from "./words.js";

export class Figures {
  constructor() {
    this.xruns = undefined;
    this.rows = new Map();
    this.figures = new Map();
  }

  build() {
    this.rows.clear();
    this.figures.clear();
    byId("latency").replaceChildren();
    byId("counts").replaceChildren();
  }

  sound({ alive, xruns }) {
    this.xruns = alive ? xruns : undefined;
  }

  refused(sentence) {
    this.refusedAt = performance.now();
    say(byId("refused"), sentence);
  }

  update(state) {
    if (performance.now() - (this.refusedAt ?? 0) > 5000) say(byId("refused"), "");
    this.showFaults(state.faults ?? []);
    say(byId("late"), state.late ? `Last late step: ${state.late}.` : "");
    for (const [path, figures] of Object.entries(state.latency_ms ?? {})) this.showLatency(path, figures);
    for (const [key, count] of Object.entries(state.counts ?? {})) this.showCount(key, count);
    this.showCount("xruns", this.xruns ?? "–");
  }

  showFaults(faults) {
    const told = faults.join("\n");
    if (told === this.told) return;
    this.told = told;
    byId("faults").replaceChildren(...faults.map((fault) => make("li", {}, fault)));
  }

  showLatency(path, figures) {
    if (!this.rows.has(path)) {
      const cells = [make("td"), make("td")];
      this.rows.set(path, cells);
      byId("latency").append(make("tr", { "data-path": path }, make("th", { scope: "row" }, name(path)), ...cells));
    }
    const [middle, worst] = this.rows.get(path);
    for (const [cell, value] of [[middle, figures.p50], [worst, figures.p99]]) {
      say(cell, figures.n && typeof value === "number" ? number(value) : "–");
    }
  }

  showCount(key, count) {
    if (!this.figures.has(key)) {
      const figure = make("dd");
      this.figures.set(key, figure);
      byId("counts").append(make("div", { "data-count": key }, make("dt", {}, name(key)), figure));
    }
    say(this.figures.get(key), String(count));
  }
}

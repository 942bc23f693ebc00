// Show it, and it learns: a pad, what should sound with it, and the verbs of a mapping.

import { byId, make, mark, say } from "./dom.js";
import { Pad } from "./pad.js";
import { count } from "./words.js";

const OWN_HAND = 500; // ms for which a moved slider does not follow the instrument's report
const ACTS = { example: ["example"], learn: ["train"], undo: ["undo"], redo: ["redo"], randomise: ["randomise"] };

export class Teach {
  constructor(live) {
    this.live = live;
    this.touched = -Infinity;
    this.pad = new Pad(byId("pad"), (values) => {
      live.soon(`hold ${this.source}`, { hold: [this.source, values] });
    });
    for (const [id, words] of Object.entries(ACTS)) byId(id).addEventListener("click", () => this.tell(...words));
    byId("record").addEventListener("click", () => this.tell(this.told?.recording ? "stop" : "record"));
    byId("run").addEventListener("click", () => this.tell("run", this.told?.running ? 0 : 1));
    byId("forget").addEventListener("click", () => this.tell("delete", "take", this.told?.takes ?? 0));
  }

  tell(...words) {
    if (this.player) this.live.send({ do: [this.player.name, ...words] });
  }

  /** The instrument: its first mapping, and the pad that it hears. Whether there is one. */
  build(about, colours) {
    this.player = about.parts.find((part) => part.kind === "mapping");
    const source = about.parts.find((part) => part.kind === "pad");
    this.source = source?.name;
    byId("pad").hidden = !source;
    this.pad.build(source?.axes ?? [], colours.of(source?.name));
    this.sliders = (this.player?.axes ?? []).map((axis, index) => this.slider(axis, index));
    byId("outputs").replaceChildren(...this.sliders.map((slider) => slider.parentElement));
    return Boolean(this.player);
  }

  slider(axis, index) {
    const range = make("input", { type: "range", id: `output-${index}`, min: 0, max: 1, step: 0.01, value: 0.5 });
    range.addEventListener("input", () => {
      this.touched = performance.now();
      const wanted = this.sliders.map((slider) => Number(slider.value));
      this.live.soon("set", { do: [this.player.name, "set", ...wanted] });
      this.mark(range);
    });
    make("div", { class: "slider" }, make("label", { for: range.id }, axis), make("output", { for: range.id }), range);
    this.mark(range);
    return range;
  }

  mark(range) {
    range.parentElement.style.setProperty("--at", range.value);
    say(range.parentElement.querySelector("output"), Number(range.value).toFixed(2));
  }

  /** From the instrument, thirty times a second: how the mapping is, what it plays, where the pad is. */
  update(taught, latest) {
    const told = taught?.[this.player?.name];
    if (!told) return;
    this.told = told;
    mark(byId("record"), "aria-pressed", told.recording);
    say(byId("record"), told.recording ? "Stop recording" : "Record");
    mark(byId("run"), "aria-pressed", told.running);
    byId("undo").disabled = !told.undo;
    byId("redo").disabled = !told.redo;
    byId("forget").disabled = !told.takes;
    byId("learn").disabled = !told.examples;
    const { progress, failed, error } = told.training;
    const learning = progress !== undefined && progress < 1 && !failed;
    byId("lesson").hidden = !learning;
    if (learning) byId("lesson").value = progress;
    say(byId("taught"), [
      `${count(told.examples, "example")} in ${count(told.takes, "take")}.`,
      failed ?? "",
      typeof error === "number" ? `It misses what you showed by ${(100 * error).toFixed(0)} %.` : "",
    ].join(" ").trim());
    const shown = told.running ? latest.get(this.player.name) : told.labels;
    if (shown?.length === this.sliders.length && performance.now() > this.touched + OWN_HAND) {
      this.sliders.forEach((slider, index) => {
        slider.value = String(shown[index] ?? 0.5);
        this.mark(slider);
      });
    }
    const at = latest.get(this.source);
    if (at?.length) this.pad.show(at);
  }
}

// Show it, and it learns: the verbs of a mapping, and what they are about.

import { byId, make, mark, say } from "./dom.js";
import { Lesson } from "./lesson.js";
import { Outputs } from "./outputs.js";
import { Pad } from "./pad.js";
import { Takes } from "./takes.js";
import { Terrain } from "./terrain.js";
import { count } from "./words.js";

const ACTS = { example: ["example"], learn: ["train"], cancel: ["cancel"], undo: ["undo"], redo: ["redo"], randomise: ["randomise"] };

export class Teach {
  constructor(live) {
    this.live = live;
    this.x = []; // what the mapping heard last
    this.lesson = new Lesson();
    this.takes = new Takes((number) => this.tell("delete", "take", number));
    this.outputs = new Outputs((wanted) => live.soon("wanted", { do: [this.player.name, "set", ...wanted] }));
    this.terrain = new Terrain(() => this.fitPad());
    this.pad = new Pad(byId("pad"), (values) => this.hold(values));
    for (const [id, words] of Object.entries(ACTS)) byId(id).addEventListener("click", () => this.tell(...words));
    byId("record").addEventListener("click", () => this.record());
    byId("run").addEventListener("click", () => this.tell("run", this.told?.running ? 0 : 1));
    byId("forget").addEventListener("click", () => this.tell("delete", "take", this.told?.last ?? 0));
    byId("go").addEventListener("click", () => this.terrain.wanted && this.hold(this.terrain.wanted));
    byId("count-in").addEventListener("change", ({ target }) => {
      live.send({ set: [this.player.name, "count_in", Number(target.value)] });
    });
  }

  tell(...words) {
    if (this.player) this.live.send({ do: [this.player.name, ...words] });
  }

  record() {
    const movement = Number(byId("movement").value);
    if (this.told?.recording) this.tell("stop");
    else if (movement) this.tell("gesture", movement);
    else this.tell("record");
  }

  hold(values) {
    this.x = values;
    this.live.soon(`hold ${this.source}`, { hold: [this.source, values] });
  }

  /** The instrument: its first mapping, and the pad that it hears. Whether there is one. */
  build(about, colours) {
    this.player = about.parts.find((part) => part.kind === "mapping");
    if (!this.player) return false;
    const source = about.parts.find((part) => part.kind === "pad");
    this.source = source?.name;
    this.colour = colours.of(source?.name);
    this.names = "";
    this.version = "";
    this.rename({ inputs: source?.axes ?? [], outputs: (this.player.axes ?? []).map((name) => ({ name })) });
    this.takes.build(this.player.name, (told) => this.rename(told));
    return true;
  }

  /** What people call the inputs and outputs, and how many movements there are to be known. */
  rename({ inputs, outputs, movements = 0 }) {
    const names = JSON.stringify([inputs, outputs, movements]);
    if (names === this.names) return;
    this.names = names;
    this.outputs.build(outputs);
    this.offer(movements);
    this.inputs = inputs;
    if (this.x.length !== inputs.length) this.x = inputs.map(() => 0.5);
    this.terrain.build(this.player.name, inputs, outputs.map(({ name }) => name));
    this.fitPad();
  }

  /** What a take may be of. */
  offer(movements) {
    const kinds = ["examples", ...Array.from({ length: movements }, (_, number) => `movement ${number + 1}`)];
    byId("movement").replaceChildren(...kinds.map((name, value) => make("option", { value }, name)));
    byId("movement").parentElement.hidden = !movements;
  }

  fitPad() {
    byId("pad").hidden = !this.source && !this.terrain.possible;
    byId("go").disabled = !this.source;
    this.pad.build(this.inputs, this.terrain.axes, this.colour, Boolean(this.source));
  }

  /** From the instrument, thirty times a second: how the mapping is, what it plays, what it hears. */
  update(state) {
    const told = state.taught?.[this.player?.name];
    if (!told) return;
    this.told = told;
    if (told.x?.length === this.inputs.length) this.x = told.x;
    this.pad.show(this.x);
    this.showActs(told, state);
    this.lesson.update(told.training);
    this.outputs.show(told.running ? told.shown : told.labels);
    const { guard, sure, morph } = state.settings?.[this.player.name] ?? {};
    const version = JSON.stringify([told.examples, told.last, told.undo, told.redo, told.training.scores, guard, sure, morph]);
    if (version !== this.version) {
      this.version = version;
      this.takes.changed();
      this.terrain.changed();
    }
    if (!byId("teach").hidden) this.terrain.update(this.x);
  }

  showActs(told, state) {
    const wait = told.begins === null || told.begins === undefined ? 0 : Math.ceil(told.begins - state.now);
    this.pad.shout(wait > 0 ? String(wait) : "");
    mark(document.body, "data-recording", told.recording && wait <= 0);
    mark(byId("record"), "aria-pressed", told.recording);
    say(byId("record"), told.recording ? "Stop" : "Record");
    mark(byId("run"), "aria-pressed", told.running);
    say(byId("run"), told.running ? "Running" : "Run");
    byId("undo").disabled = !told.undo;
    byId("redo").disabled = !told.redo;
    byId("forget").disabled = !told.takes;
    byId("learn").disabled = !told.examples && !told.takes;
    const countIn = String(state.settings?.[this.player.name]?.count_in ?? 0);
    if (document.activeElement !== byId("count-in") && byId("count-in").value !== countIn) byId("count-in").value = countIn;
    const shown = `${count(told.examples, "example")} in ${count(told.takes, "take")}.`;
    const recording = wait > 0 ? `Recording in ${wait}.` : told.recording ? "Recording." : shown;
    say(byId("taught"), recording);
  }
}

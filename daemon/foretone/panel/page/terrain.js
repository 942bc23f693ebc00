// The mapping from above: what one output plays for two inputs, and where one more example would help.

import { byId, make, mark, say } from "./dom.js";
import { drawTerrain } from "./contours.js";
import { percent } from "./words.js";

const SETTLES = [700, 2000]; // ms after a change at which the journal has it, and the mapping that it names
const OFTEN = 300; // ms between two drawings, at the least
const SHARE = 200; // times what a drawing took is how long the panel is left alone after it
const STEP = 50; // steps of an input that is held, so that a hand that trembles draws nothing anew

export class Terrain {
  /** `chosen()` is called when other inputs are. */
  constructor(chosen) {
    this.chosen = chosen;
    this.picks = ["across", "up", "output"].map((id) => byId(id));
    for (const pick of this.picks) pick.addEventListener("change", () => this.pick(pick));
    this.canvas = byId("terrain");
    this.inputs = [];
    this.due = [];
    this.ready = 0;
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  /** The mapping called `player`, and what it hears and plays, by name; keeps what was chosen where it can. */
  build(player, inputs, outputs) {
    Object.assign(this, { player, inputs });
    this.possible = inputs.length > 1 && outputs.length > 0;
    byId("cut").hidden = this.canvas.hidden = byId("advice").hidden = !this.possible;
    const names = [inputs, inputs, outputs];
    this.picks.forEach((pick, which) => {
      const kept = pick.value;
      pick.replaceChildren(...names[which].map((name, value) => make("option", { value }, name)));
      pick.value = kept && Number(kept) < names[which].length ? kept : String(which === 1 ? 1 : 0);
    });
    this.told = undefined;
    this.soon();
  }

  /** The places of the two inputs, across and up. */
  get axes() {
    return this.possible ? [Number(this.picks[0].value), Number(this.picks[1].value)] : [0, 1];
  }

  pick(changed) {
    const [across, up] = this.picks;
    const other = changed === across ? up : across;
    if (across.value === up.value) other.value = String((Number(changed.value) + 1) % this.inputs.length);
    this.chosen();
    this.ready = 0; // a person waits for it
    this.soon();
  }

  /** Something was shown, or learned: look again once it is kept. */
  changed() {
    this.due = [...this.due, ...SETTLES.map((wait) => performance.now() + wait)].slice(-8);
  }

  soon() {
    if (!this.due.includes(0)) this.due.unshift(0);
  }

  /** Where every input is; draws anew when that, or what was learned, has changed. */
  update(at) {
    if (!this.possible || at.length !== this.inputs.length) return;
    this.at = at;
    const held = at.map((value, axis) => (this.axes.includes(axis) ? 0 : Math.round(value * STEP))).join();
    if (held !== this.held) this.soon();
    this.held = held;
    const now = performance.now();
    if (!this.due.some((due) => due <= now) || now < this.ready || this.asking || document.hidden) return;
    this.due = this.due.filter((due) => due > now);
    this.ask();
  }

  async ask() {
    this.asking = true;
    const [across, up, output] = this.picks.map((pick) => pick.value);
    const at = this.at.map((value) => Math.min(1, Math.max(0, value)).toFixed(3)).join();
    try {
      const query = new URLSearchParams({ across, up, output, at });
      const answer = await fetch(`/teach/${encodeURIComponent(this.player)}/terrain?${query}`);
      const told = answer.ok ? await answer.json() : {};
      this.ready = performance.now() + Math.max(OFTEN, SHARE * (told.took ?? 0));
      if (told.side) {
        this.told = told;
        this.tell();
        this.draw();
      } else if (told.fault) say(byId("advice-says"), told.fault);
    } catch {
      this.ready = performance.now() + 2000; // the page says already that the panel is away
      this.soon();
    }
    this.asking = false;
  }

  draw() {
    if (this.told) drawTerrain(this.canvas, this.told);
  }

  /** In words, for those who read and those who hear. */
  tell() {
    const { ground, examples, wanted, note, doubt } = this.told;
    const [across, up, output] = this.picks.map((pick) => pick.selectedOptions[0].text);
    mark(this.canvas, "aria-label", [`${output} over ${across} and ${up}.`,
      ground ? `It plays ${percent(Math.min(...ground))} to ${percent(Math.max(...ground))}.` : note,
      `${examples.length} examples.`].join(" "));
    mark(this.canvas, "data-drawn", ground ? "ground" : "examples");
    mark(this.canvas, "data-examples", examples.length);
    mark(this.canvas, "data-wanted", wanted ? wanted.join() : "");
    byId("go").hidden = !wanted;
    const where = wanted && `${across} ${percent(wanted[0])}, ${up} ${percent(wanted[1])}`;
    say(byId("advice-says"), [note, wanted ? `One more example would help most at ${where}.` : "",
      wanted && examples.length ? `Known here: ${percent(1 - doubt)} %.` : ""].filter(Boolean).join(" "));
  }

  /** Every input, with the two that are seen where one more example would help. */
  get wanted() {
    if (!this.told?.wanted || !this.at) return undefined;
    const [across, up] = this.axes;
    return this.at.with(across, this.told.wanted[0]).with(up, this.told.wanted[1]);
  }
}

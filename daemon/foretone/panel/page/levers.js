// The stage: a lever for each axis of a source and of a moving sink, and a lamp for each light.

import { clamp, make, mark, say } from "./dom.js";
import { UNSEEN } from "./words.js";

const STEPS = { ArrowUp: 0.02, ArrowRight: 0.02, ArrowDown: -0.02, ArrowLeft: -0.02, PageUp: 0.1, PageDown: -0.1 };
const OWN_HAND = 250; // ms for which the hand's own position is shown before the instrument's report of it

const isLamp = (part) => part.role === "sink" && /led|light|lamp/.test(part.kind);

export class Stage {
  /** `hold(source, values)` is called while a hand drags; `colours` gives each part's colour. */
  constructor(root, stage, hold) {
    Object.assign(this, { root, stage, hold, levers: [], lamps: [] });
  }

  /** `world` has the parts that a fake board shows; on a real one every part that is not only heard. */
  build(about, world, colours) {
    this.levers = [];
    this.lamps = [];
    const free = about.board === "fake";
    const shown = about.parts.filter((part) =>
      part.role !== "player" && (part.kind === "pad" || (free ? part.name in world : !UNSEEN.test(part.kind))));
    for (const part of shown) {
      const axes = part.axes?.length ? part.axes : ["position"];
      if (isLamp(part)) {
        this.lamps.push(new Lamp(part, colours.of(part.name)));
        continue;
      }
      const hand = { values: axes.map(() => 0.5), until: 0 };
      axes.forEach((axis, index) => {
        const title = axes.length > 1 ? `${part.name} ${axis}` : part.name;
        const lever = new Lever(part, index, title, colours.of(part.name), hand);
        if ((free || part.kind === "pad") && part.role === "source") lever.grabbable((value) => this.hold(part.name, hand.values.with(index, value)));
        this.levers.push(lever);
      });
    }
    const sources = this.levers.filter((lever) => lever.part.role === "source");
    const sinks = this.levers.filter((lever) => lever.part.role !== "source");
    const order = [...sources, ...this.lamps, ...sinks];
    this.root.replaceChildren(...order.map((item) => item.element));
    this.root.classList.toggle("many", this.levers.length > 3);
  }

  /** `positions(part)` gives values, [] for released, undefined for unknown; `next(part)` what is ahead. */
  update(positions, next, ghost) {
    for (const lever of this.levers) {
      const values = positions(lever.part);
      if (values) lever.show(values, ghost);
      lever.showNext(next(lever.part)?.[lever.index]);
    }
    for (const lamp of this.lamps) lamp.show(positions(lamp.part)?.[0] ?? 0);
    const light = Math.max(0, ...this.lamps.map((lamp) => lamp.value));
    this.stage.style.setProperty("--light", light.toFixed(3));
  }
}


class Lamp {
  constructor(part, colour) {
    this.part = part;
    this.value = 0;
    this.bulb = make("div", { class: "bulb", role: "meter", "aria-label": part.name, "aria-valuemin": 0,
      "aria-valuemax": 100, "aria-valuenow": 0 });
    this.element = make("div", { class: "lamp", "data-part": part.name, "data-role": "lamp", "data-value": "0" },
      this.bulb, make("p", { class: "name" }, part.name));
    this.element.style.setProperty("--colour", colour);
  }

  show(value) {
    this.value = clamp(value, 0, 1);
    this.element.dataset.value = this.value.toFixed(4);
    this.element.style.setProperty("--at", this.value.toFixed(4));
    mark(this.bulb, "aria-valuenow", Math.round(this.value * 100));
  }
}

class Lever {
  constructor(part, index, title, colour, hand) {
    Object.assign(this, { part, index, hand });
    const source = part.role === "source";
    this.knob = make("div", { class: "knob" });
    this.next = make("div", { class: "next", hidden: "" });
    this.track = make("div", { class: "track", role: source ? "slider" : "meter", "aria-label": title,
      "aria-orientation": "vertical", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0 },
      make("div", { class: "slot" }), make("div", { class: "fill" }), this.next, this.knob);
    if (!source) this.track.removeAttribute("aria-orientation");
    this.who = make("span", { class: "who" }, source ? "you" : "it");
    this.number = make("p", { class: "value", "aria-hidden": "true" }, "–");
    this.element = make("div", { class: `lever ${part.role}`, "data-part": part.name, "data-axis": index,
      "data-role": part.role, "data-value": "", "data-limp": "true" },
      make("p", { class: "name" }, part.axes?.length > 1 ? part.axes[index] : title, " ", this.who), this.track, this.number);
    this.element.style.setProperty("--colour", colour);
    if (source) mark(this.track, "aria-disabled", "true");
  }

  show(values, ghost) {
    const limp = values.length === 0;
    if (performance.now() < this.hand.until) return;
    if (this.element.dataset.limp !== String(limp)) this.element.dataset.limp = String(limp);
    if (this.part.role === "source") say(this.who, ghost ? "ghost" : "you");
    else say(this.who, limp ? "limp" : "it");
    if (!limp && this.index < values.length) {
      this.hand.values[this.index] = values[this.index];
      this.put(values[this.index]);
    } else if (limp) mark(this.track, "aria-valuetext", "released");
  }

  put(value) {
    const percent = Math.round(value * 100);
    this.value = value;
    this.element.dataset.value = value.toFixed(4);
    this.element.style.setProperty("--at", clamp(value, 0, 1).toFixed(4));
    say(this.number, String(percent));
    mark(this.track, "aria-valuenow", percent);
    mark(this.track, "aria-valuetext", `${percent} percent`);
  }

  showNext(value) {
    this.next.hidden = value === undefined;
    if (value !== undefined) this.next.style.setProperty("--at", clamp(value, 0, 1).toFixed(4));
  }

  /** Let a pointer or the keyboard move it; `hold` gets each new position, 0..1. */
  grabbable(hold) {
    const { track, knob, element } = this;
    track.tabIndex = 0;
    track.removeAttribute("aria-disabled");
    element.classList.add("free");
    const move = (value) => {
      this.hand.until = performance.now() + OWN_HAND;
      const wanted = clamp(value, 0, 1);
      this.hand.values[this.index] = wanted;
      element.dataset.limp = "false";
      say(this.who, "you");
      this.put(wanted);
      hold(wanted);
    };
    let grip = 0; // px between the finger and the knob's middle, so that the knob does not jump when taken
    const at = (event) => {
      const box = track.getBoundingClientRect();
      const half = knob.offsetHeight / 2;
      return (box.bottom - half - (event.clientY - grip)) / (box.height - 2 * half);
    };
    track.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault(); // or the browser selects text, and the next drag drags that away
      track.setPointerCapture(event.pointerId);
      track.focus({ preventScroll: true });
      const box = knob.getBoundingClientRect();
      const middle = (box.top + box.bottom) / 2;
      grip = Math.abs(event.clientY - middle) <= box.height / 2 ? event.clientY - middle : 0;
      element.classList.add("held");
      move(at(event));
    });
    track.addEventListener("pointermove", (event) => {
      if (track.hasPointerCapture(event.pointerId)) move(at(event));
    });
    track.addEventListener("lostpointercapture", () => element.classList.remove("held"));
    track.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      const end = { Home: 0, End: 1 }[event.key];
      if (step === undefined && end === undefined) return;
      event.preventDefault();
      move(end ?? (this.value ?? 0.5) + step);
    });
  }
}

// A control for each live setting: a radio group for choices, a switch for yes or no, a slider for a number.

import { clamp, make, mark, say } from "./dom.js";
import { choice, meaning, name, number } from "./words.js";

const STEPS = 1000; // of a slider, whatever its range
const WIDE = 20; // a range of more than this ratio is spread by ratio, not by difference
const OWN_HAND = 500; // ms for which a moved control does not follow the instrument's report
const GAP = 1000 / 30;

export class Settings {
  constructor(choices, sliders, live) {
    Object.assign(this, { choices, sliders, live, controls: [] });
  }

  build(about) {
    this.controls = [];
    const [choices, sliders] = [[], []];
    for (const part of about.parts) {
      for (const setting of part.settings ?? []) {
        const set = (value) => this.live.soon(`${part.name} ${setting.key}`,
          { set: [part.name, setting.key, value] }, GAP);
        const Kind = kindOf(setting);
        if (!Kind) continue;
        const control = new Kind(part.name, setting, set);
        control.show(setting.value);
        this.controls.push(control);
        (Kind === Choice ? choices : sliders).push(control.element);
      }
    }
    this.choices.replaceChildren(...choices);
    this.sliders.replaceChildren(...sliders);
  }

  update(settings) {
    for (const control of this.controls) {
      const value = settings?.[control.part]?.[control.key];
      if (value !== undefined && performance.now() > control.touched + OWN_HAND) control.show(value);
    }
  }

  /** The value shown for the first setting called `key`. */
  shown(key) {
    return this.controls.find((control) => control.key === key)?.value;
  }
}

function kindOf(setting) {
  if (Array.isArray(setting.choices)) return Choice;
  if (typeof setting.value === "boolean") return Switch;
  return typeof setting.low === "number" && typeof setting.high === "number" ? Slider : null;
}

class Control {
  constructor(part, setting, set) {
    Object.assign(this, { part, setting, key: setting.key, touched: -Infinity });
    this.id = `${part}.${setting.key}`;
    this.data = { "data-part": part, "data-key": setting.key };
    this.change = (value) => {
      this.touched = performance.now();
      this.value = value;
      set(value);
    };
  }
}

class Choice extends Control {
  constructor(...all) {
    super(...all);
    this.radios = this.setting.choices.map((value) => {
      const radio = make("input", { type: "radio", name: this.id, value });
      radio.addEventListener("change", () => this.change(value));
      return radio;
    });
    this.element = make("fieldset", { class: "choice", ...this.data },
      make("legend", {}, `${this.part} ${name(this.key)}`),
      make("div", { class: "segments" }, ...this.radios.map((radio) =>
        make("label", {}, radio, make("span", {}, choice(radio.value))))));
  }

  show(value) {
    this.value = value;
    this.element.dataset.value = value;
    for (const radio of this.radios) radio.checked = radio.value === value;
  }
}

class Switch extends Control {
  constructor(...all) {
    super(...all);
    this.box = make("input", { type: "checkbox", id: this.id });
    this.box.addEventListener("change", () => this.change(this.box.checked));
    this.element = make("div", { class: "switch", ...this.data },
      make("label", { for: this.id }, `${this.part} ${name(this.key)}`), this.box);
  }

  show(value) {
    this.value = this.box.checked = Boolean(value);
  }
}

class Slider extends Control {
  constructor(...all) {
    super(...all);
    // The part's name is for those who hear the page: two parts may both have a silence.
    this.range = make("input", { type: "range", id: this.id, min: 0, max: STEPS, step: 1,
      "aria-label": `${this.part} ${name(this.key)} ${meaning(this.key)}`.trim() });
    this.output = make("output", { for: this.id, "aria-live": "off" });
    this.range.addEventListener("input", () => {
      this.change(this.fromStep(Number(this.range.value)));
      this.tell();
    });
    this.range.addEventListener("keydown", (event) => {
      // One step of a thousand cannot be heard, so an arrow key makes ten.
      const step = { ArrowUp: 10, ArrowRight: 10, ArrowDown: -10, ArrowLeft: -10 }[event.key];
      if (!step) return;
      event.preventDefault();
      this.range.value = String(Number(this.range.value) + step);
      this.range.dispatchEvent(new Event("input"));
    });
    this.element = make("div", { class: "slider", ...this.data },
      make("label", { for: this.id }, name(this.key), " ", make("small", {}, meaning(this.key))),
      this.output, this.range);
  }

  get wide() {
    return this.setting.low > 0 && this.setting.high / this.setting.low > WIDE;
  }

  fromStep(step) {
    const { low, high } = this.setting;
    const part = step / STEPS;
    const value = this.wide ? low * (high / low) ** part : low + (high - low) * part;
    return clamp(this.setting.step ? Math.round(value) : Number(value.toPrecision(4)), low, high);
  }

  show(value) {
    const { low, high } = this.setting;
    const part = this.wide ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    this.value = value;
    this.range.value = String(Math.round(clamp(part, 0, 1) * STEPS));
    this.tell();
  }

  tell() {
    const text = this.setting.step ? `${this.value} ${this.setting.unit ?? ""}`.trim()
      : number(this.value, this.setting.unit);
    this.element.dataset.value = String(this.value);
    this.element.style.setProperty("--at", String(this.range.value / STEPS));
    say(this.output, text);
    mark(this.range, "aria-valuetext", text);
  }
}

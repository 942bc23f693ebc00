// What should sound: a slider for each output of a mapping.

import { byId, make, mark, say } from "./dom.js";

const OWN_HAND = 500; // ms for which a moved slider does not follow the instrument's report

export class Outputs {
  /** `wanted(values)` is called with all of them when one is moved. */
  constructor(wanted) {
    Object.assign(this, { wanted, sliders: [], touched: -Infinity });
  }

  build(names) {
    this.sliders = names.map((name, index) => this.slider(name, index));
    byId("outputs").replaceChildren(...this.sliders.map((slider) => slider.parentElement));
  }

  slider(name, index) {
    const range = make("input", { type: "range", id: `output-${index}`, min: 0, max: 1, step: 0.01, value: 0.5 });
    range.addEventListener("input", () => {
      this.touched = performance.now();
      this.wanted(this.sliders.map((slider) => Number(slider.value)));
      this.tell(range);
    });
    make("div", { class: "slider" }, make("label", { for: range.id }, name),
      make("output", { for: range.id, "aria-live": "off" }), range);
    this.tell(range);
    return range;
  }

  tell(range) {
    const text = Number(range.value).toFixed(2);
    range.parentElement.style.setProperty("--at", range.value);
    say(range.parentElement.querySelector("output"), text);
    mark(range, "aria-valuetext", text);
  }

  /** What sounds, or what is set. */
  show(values) {
    if (values?.length < this.sliders.length || performance.now() < this.touched + OWN_HAND) return;
    this.sliders.forEach((slider, index) => {
      const value = String(values?.[index] ?? 0.5);
      if (slider.value === value) return;
      slider.value = value;
      this.tell(slider);
    });
  }
}

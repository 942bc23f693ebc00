// What should sound: a slider for each output of a mapping.

import { byId, make, mark, say } from "./dom.js";

const OWN_HAND = 500; // ms for which a moved slider does not follow the instrument's report

export class Outputs {
  /** `wanted(values)` is called with all of them when one is moved. */
  constructor(wanted) {
    Object.assign(this, { wanted, sliders: [], touched: -Infinity });
  }

  /** `outputs` have a name, and the number of their classes where they play one of several. */
  build(outputs) {
    this.sliders = outputs.map((output, index) => this.slider(output, index));
    byId("outputs").replaceChildren(...this.sliders.map((slider) => slider.parentElement));
  }

  slider({ name, classes }, index) {
    const range = make("input", { type: "range", id: `output-${index}`, "data-classes": classes || "",
      ...(classes ? { min: 1, max: classes, step: 1, value: 1 } : { min: 0, max: 1, step: 0.01, value: 0.5 }) });
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
    const classes = Number(range.dataset.classes);
    const text = classes ? `${range.value} of ${classes}` : Number(range.value).toFixed(2);
    const [low, high] = classes ? [1, classes] : [0, 1];
    range.parentElement.style.setProperty("--at", String((range.value - low) / (high - low)));
    say(range.parentElement.querySelector("output"), text);
    mark(range, "aria-valuetext", text);
  }

  /** What sounds, or what is set. */
  show(values) {
    if (values?.length < this.sliders.length || performance.now() < this.touched + OWN_HAND) return;
    this.sliders.forEach((slider, index) => {
      // A class comes as its share of all of them; none of them is shown as the first.
      const value = String((values?.[index] ?? 0.5) * (Number(slider.dataset.classes) || 1));
      if (slider.value === value) return;
      slider.value = value;
      this.tell(slider);
    });
  }
}

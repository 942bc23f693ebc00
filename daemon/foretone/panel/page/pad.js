// A pad for fingers: the first moves the first two axes, the second the next two, and so on.

import { clamp, make } from "./dom.js";

export class Pad {
  /** `moved(values)` is called with all axes when one moves. */
  constructor(root, moved) {
    Object.assign(this, { root, moved, values: [], fingers: new Map(), dots: [] });
    root.addEventListener("pointerdown", (event) => this.touch(event));
    root.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) root.addEventListener(end, (event) => this.fingers.delete(event.pointerId));
  }

  build(axes, colour) {
    this.values = axes.map(() => 0.5);
    this.dots = axes.filter((_, index) => index % 2 === 0).map((axis, pair) => {
      const dot = make("span", { class: "dot" }, axes.slice(2 * pair, 2 * pair + 2).join(" "));
      dot.style.setProperty("--colour", colour);
      return dot;
    });
    this.root.replaceChildren(...this.dots);
    this.show(this.values);
  }

  touch(event) {
    const taken = new Set(this.fingers.values());
    const pair = this.dots.findIndex((_, index) => !taken.has(index));
    if (pair < 0) return;
    event.preventDefault();
    this.root.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, pair);
    this.move(event);
  }

  move(event) {
    const pair = this.fingers.get(event.pointerId);
    if (pair === undefined) return;
    const { left, top, width, height } = this.root.getBoundingClientRect();
    this.values[2 * pair] = clamp((event.clientX - left) / width, 0, 1);
    // The last of an odd number of axes has no partner: its finger moves it up and down.
    const up = clamp(1 - (event.clientY - top) / height, 0, 1);
    if (2 * pair + 1 < this.values.length) this.values[2 * pair + 1] = up;
    else this.values[2 * pair] = up;
    this.show(this.values);
    this.moved([...this.values]);
  }

  /** Where the dots are. A finger is not moved by what the instrument reports of it. */
  show(values) {
    if (!this.fingers.size) this.values = [...values];
    this.dots.forEach((dot, pair) => {
      const alone = 2 * pair + 1 >= this.values.length;
      dot.style.left = `${100 * (alone ? 0.5 : this.values[2 * pair])}%`;
      dot.style.bottom = `${100 * this.values[alone ? 2 * pair : 2 * pair + 1]}%`;
    });
  }
}

// A pad for fingers: the first moves the first two axes, the second the next two, and so on. Keys move them too.

import { clamp, make, mark, say } from "./dom.js";

export class Pad {
  /** `moved(values)` is called with all axes when one moves. */
  constructor(root, moved) {
    Object.assign(this, { root, moved, values: [], order: [], fingers: new Map(), dots: [], keys: [] });
    root.addEventListener("pointerdown", (event) => this.touch(event));
    root.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) root.addEventListener(end, (event) => this.lift(event));
  }

  /** `first` are the places of the two axes that the first finger moves; `free`, whether fingers move any. */
  build(axes, first, colour, free) {
    if (this.values.length !== axes.length) this.values = axes.map(() => 0.5);
    this.free = free;
    this.fingers.clear();
    const rest = axes.map((_, axis) => axis).filter((axis) => !first.includes(axis));
    this.order = [...first.filter((axis) => axis < axes.length), ...rest];
    this.root.classList.toggle("free", free);
    for (const old of [...this.dots, ...this.keys]) old.remove();
    this.dots = axes.filter((_, index) => index % 2 === 0).map((_, pair) => {
      const names = this.pair(pair).map((axis) => axes[axis]).join(" ");
      const dot = make("span", { class: pair ? "dot" : "dot first", "aria-hidden": "true" }, make("span", {}, names));
      dot.style.setProperty("--colour", colour);
      return dot;
    });
    this.keys = free ? this.order.map((axis) => this.key(axis, axes[axis])) : [];
    this.root.append(...this.dots, ...this.keys);
    this.show(this.values);
  }

  /** One axis for keys and screen readers: a slider that is not seen, whose dot shows its focus. */
  key(axis, name) {
    const range = make("input", { class: "unseen", type: "range", min: 0, max: 100, step: 1, "aria-label": name,
      "data-axis": axis });
    const dot = this.dots[Math.floor(this.order.indexOf(axis) / 2)];
    range.addEventListener("focus", () => dot.classList.toggle("focus", range.matches(":focus-visible")));
    range.addEventListener("keydown", () => dot.classList.add("focus"));
    range.addEventListener("blur", () => dot.classList.remove("focus"));
    range.addEventListener("input", () => {
      this.values[axis] = Number(range.value) / 100;
      this.show(this.values);
      this.moved([...this.values]);
    });
    return range;
  }

  pair(number) {
    return this.order.slice(2 * number, 2 * number + 2);
  }

  touch(event) {
    const taken = new Set(this.fingers.values());
    const pair = this.dots.findIndex((_, index) => !taken.has(index));
    if (pair < 0 || !this.free || event.button !== 0) return;
    event.preventDefault();
    this.root.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, pair);
    this.dots[pair].classList.add("held");
    this.move(event);
  }

  lift(event) {
    this.dots[this.fingers.get(event.pointerId)]?.classList.remove("held");
    this.fingers.delete(event.pointerId);
  }

  move(event) {
    const pair = this.fingers.get(event.pointerId);
    if (pair === undefined) return;
    const { left, top, width, height } = this.root.getBoundingClientRect();
    const [across, up] = this.pair(pair);
    const y = clamp(1 - (event.clientY - top) / height, 0, 1);
    // The last of an odd number of axes has no partner: its finger moves it up and down.
    this.values[across] = up === undefined ? y : clamp((event.clientX - left) / width, 0, 1);
    if (up !== undefined) this.values[up] = y;
    this.show(this.values);
    this.moved([...this.values]);
  }

  /** Where the dots are. A finger is not moved by what the instrument reports of it. */
  show(values) {
    if (!this.fingers.size && values.length === this.values.length) this.values = [...values];
    this.dots.forEach((dot, number) => {
      const [across, up] = this.pair(number);
      dot.style.left = `${100 * (up === undefined ? 0.5 : this.values[across])}%`;
      dot.style.bottom = `${100 * this.values[up ?? across]}%`;
    });
    for (const range of this.keys) {
      const value = String(Math.round(100 * this.values[range.dataset.axis]));
      if (range.value !== value) range.value = value;
      mark(range, "aria-valuetext", `${value} percent`);
    }
  }

  /** A large number across it, such as how long until a take begins; "" for none. */
  shout(text) {
    const shown = this.root.querySelector(".shout");
    shown.hidden = !text;
    say(shown, text);
  }
}

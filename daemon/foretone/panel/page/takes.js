// What was shown so far: a list of takes, each of which can be forgotten.

import { byId, make } from "./dom.js";
import { count } from "./words.js";

const SETTLES = 700; // ms after which the instrument has kept what was shown
const MOST = 60; // takes in the list

export class Takes {
  /** `forget(number)` is called for a take that is to be forgotten. */
  constructor(forget) {
    this.forget = forget;
  }

  /** The mapping called `player`; `told(names)` gets the names of its inputs and outputs when they are known. */
  build(player, told) {
    Object.assign(this, { player, told, shown: "" });
    this.fetch();
  }

  /** Something was shown, or forgotten. */
  changed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fetch(), SETTLES);
  }

  async fetch() {
    const answer = await fetch(`/teach/${encodeURIComponent(this.player)}`).catch(() => null);
    const told = answer?.ok ? await answer.json() : {};
    if (!told.inputs) return;
    this.told(told);
    const shown = JSON.stringify(told.takes);
    if (shown === this.shown) return; // what a finger is about to press stays where it is
    this.shown = shown;
    byId("takes").replaceChildren(...told.takes.slice(0, MOST).map((take) => this.take(take)));
  }

  take({ number, examples, gesture }) {
    const forget = make("button", { type: "button", class: "small", "aria-label": `Forget take ${number}` }, "Forget");
    forget.addEventListener("click", () => this.forget(number));
    return make("li", { class: "take", "data-take": number },
      make("span", {}, make("strong", {}, `Take ${number}`), " ", gesture ? `movement ${gesture}` : count(examples, "example")),
      forget);
  }
}

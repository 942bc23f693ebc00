// How the box is: what the doctor finds, a sentence each, and what to do about it.

import { byId, make, mark, say } from "./dom.js";
import { count } from "./words.js";

const EVERY = 10000; // ms between two looks, while this is seen
const ORDER = ["bad", "warning", "unknown", "good"];
const SIGNS = { bad: "✕", warning: "!", unknown: "?", good: "✓", waiting: "…" };
const LEVELS = { bad: "wrong", warning: "take care", unknown: "not known", good: "good", waiting: "waiting" };

export class Health {
  constructor() {
    this.button = byId("look-again");
    this.button.addEventListener("click", () => this.look());
    this.parts = [];
    setInterval(() => {
      if (!document.hidden && !byId("health").hidden) this.look();
    }, EVERY);
  }

  /** The page is seen. */
  fetch() {
    return this.look();
  }

  async look() {
    if (this.looking) return;
    this.looking = true;
    mark(this.button, "aria-busy", true);
    try {
      const answer = await fetch("/health");
      if (answer.ok) this.show((await answer.json()).findings);
    } catch {
      say(byId("sum"), "The connection is lost; this is what was found last.");
    }
    this.looking = false;
    mark(this.button, "aria-busy", false);
  }

  show(findings) {
    const told = JSON.stringify(findings);
    say(byId("looked"), `Looked at ${new Date().toLocaleTimeString()}.`);
    if (told === this.told) return; // what a person reads stays where it is
    this.told = told;
    say(byId("sum"), summary(findings));
    const sorted = ORDER.flatMap((level) => findings.filter((finding) => finding.level === level));
    byId("findings").replaceChildren(...sorted.map(finding));
  }

  /** The instrument: its parts, each of which may be out of order. */
  build(about) {
    this.parts = about.parts;
    this.faults = undefined;
  }

  /** From the instrument: sentences that begin with the name of a part; one that waits is not out of order. */
  update(faults, waits) {
    const told = JSON.stringify([faults, waits]);
    if (told === this.faults) return;
    this.faults = told;
    byId("parts-now").replaceChildren(...this.parts.map((part) => {
      const [fault, wait] = [faults, waits].map((told) => told.find((one) => one.startsWith(`${part.name}:`)));
      const level = fault ? "bad" : wait ? "waiting" : "good";
      const says = (fault ?? wait)?.slice(part.name.length + 1).trim() ?? `${part.role}, ${part.kind}`;
      return make("li", { class: "finding", "data-level": level, "data-part": part.name },
        sign(level), make("strong", {}, part.name), make("p", {}, says));
    }));
  }
}

function finding({ check, level, says, cure }) {
  const item = make("li", { class: "finding", "data-level": level, "data-check": check },
    sign(level), make("strong", {}, check), make("p", {}, says));
  if (cure) item.append(make("p", { class: "cure" }, cure));
  return item;
}

/** Colour is not all that tells a level: there is a sign to see and a word to hear. */
function sign(level) {
  return make("span", { class: "sign", role: "img", "aria-label": LEVELS[level] }, SIGNS[level]);
}

function summary(findings) {
  const bad = findings.filter(({ level }) => level === "bad").length;
  const care = findings.filter(({ level }) => level === "warning").length;
  if (bad) return `${count(bad, "thing")} ${bad === 1 ? "is" : "are"} wrong.`;
  return care ? `It plays; ${count(care, "thing")} to take care of.` : "All is well.";
}

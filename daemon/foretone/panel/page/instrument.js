// The instrument's file: changed here, checked as it is typed, saved when it is right.

import { byId, make, mark, say } from "./dom.js";

const PAUSE = 300; // ms of not typing before the file is checked

export class Instrument {
  constructor() {
    this.file = byId("file");
    this.kept = "";
    this.plays = ""; // where the file lies that plays
    this.shown = null; // the one that is shown; null when it may have changed
    this.file.addEventListener("input", () => this.typed());
    byId("save").addEventListener("click", () => this.change("save", this.file.value));
    byId("earlier").addEventListener("click", () => this.change("earlier", ""));
    byId("parts-shown").addEventListener("toggle", async () => {
      if (!byId("parts").textContent) say(byId("parts"), await (await fetch("/parts")).text());
    });
  }

  /** The page is seen. */
  fetch() {
    this.shown = null;
    return this.refresh();
  }

  /** Show the file that plays, unless something here is not saved yet. */
  async refresh() {
    const { plays, kept } = this;
    if (plays === this.shown || this.file.value !== kept) return;
    const answer = await fetch("/instrument").catch(() => null);
    if (!answer?.ok) return;
    const told = await answer.json();
    if (!told || this.file.value !== kept) return; // somebody typed meanwhile
    this.shown = plays;
    this.kept = told.text;
    this.file.value = told.text;
    say(byId("file-name"), told.own ? told.name : `${told.name}, as it was shipped`);
    byId("earlier").hidden = !told.earlier;
    this.show([]);
  }

  typed() {
    clearTimeout(this.timer);
    byId("save").disabled = true;
    this.timer = setTimeout(() => this.check(), PAUSE);
  }

  async check() {
    const text = this.file.value;
    const faults = await this.post("check", text);
    if (text === this.file.value) this.show(faults);
  }

  async change(how, text) {
    say(byId("saved"), "Rehearsing it.");
    const faults = await this.post(how, text);
    if (faults.length) {
      say(byId("saved"), "It is as it was.");
      this.show(faults);
      return;
    }
    say(byId("saved"), "It plays.");
    this.kept = this.file.value; // after going back this is the old one, until the instrument tells the other
    this.shown = null;
    this.show([]);
  }

  async post(how, text) {
    try {
      const answer = await fetch(`/instrument/${how}`, { method: "POST", body: text });
      return answer.ok ? await answer.json() : [await answer.text()];
    } catch {
      return ["The connection is lost; what you typed is still here."];
    }
  }

  /** Say what is wrong; a fault with a line leads to it. */
  show(faults) {
    byId("save").disabled = faults.length > 0 || this.file.value === this.kept;
    mark(this.file, "aria-invalid", faults.length > 0);
    byId("file-faults").replaceChildren(...faults.map((fault) => {
      const line = /^line (\d+)/.exec(fault)?.[1];
      if (!line) return make("li", {}, fault);
      const lead = make("button", { type: "button", class: "lead" }, fault);
      lead.addEventListener("click", () => this.select(Number(line)));
      return make("li", {}, lead);
    }));
  }

  select(line) {
    const lines = this.file.value.split("\n");
    const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    this.file.focus();
    this.file.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
    this.file.scrollTop = ((line - 4) / lines.length) * this.file.scrollHeight;
  }
}

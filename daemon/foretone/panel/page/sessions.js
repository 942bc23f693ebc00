// What was recorded and learned: look at it, hear it again, fetch it, learn from it, take a model on stage.

import { byId, make, mark, say } from "./dom.js";
import { drawSession } from "./drawing.js";
import { count, length, when } from "./words.js";

export class Sessions {
  constructor(live) {
    this.live = live;
    this.chosen = "";
    this.playing = "";
    byId("playback").addEventListener("click", () => {
      live.send({ playback: this.playing ? "" : this.chosen });
    });
    this.ends = [byId("cut-from"), byId("cut-to")];
    for (const end of this.ends) end.addEventListener("input", () => this.cut(end));
    byId("trim").addEventListener("click", () => live.send({ trim: [this.chosen, ...this.part()] }));
    byId("train").addEventListener("click", () => live.send({ train: !this.running }));
    new ResizeObserver(() => this.draw()).observe(byId("picture"));
  }

  /** The instrument, and the models that its players have. */
  build(about) {
    const models = JSON.stringify(about.parts.map((part) => part.model));
    this.about = about;
    if (models === this.models) return;
    this.models = models;
    if (!byId("sessions").hidden) this.fetch();
  }

  /** The colours that its parts are drawn in. */
  paint(colours) {
    this.colours = colours;
    this.draw();
  }

  /** The page is seen: what is there may have changed. */
  async fetch() {
    const [sessions, models] = await Promise.all([read("/sessions"), read("/models")]);
    const told = JSON.stringify([sessions, models, this.models]);
    if (told === this.told) return; // what a finger is about to press stays where it is
    this.told = told;
    byId("recorded").replaceChildren(...(sessions.length ? sessions.map((told) => this.session(told))
      : [make("li", { class: "note" }, "Nothing yet. Everything that you play is recorded here.")]));
    byId("models").replaceChildren(...(models.length ? models.map((told) => this.model(told))
      : [make("li", { class: "note" }, "None was learned here yet.")]));
    const still = sessions.some((told) => told.name === this.chosen && !told.fault);
    if (!still) this.chosen = "";
    byId("look").hidden = !still;
  }

  session(told) {
    const facts = told.fault ?? `${length(told.length)}, ${count(told.events, "event")}`;
    const choose = make("button", { type: "button", class: "entry", "data-session": told.name,
      "aria-pressed": told.name === this.chosen },
      make("strong", {}, told.started ? when(told.started) : told.name),
      make("span", {}, told.instrument ? `${told.instrument}, ${facts}` : facts));
    choose.disabled = Boolean(told.fault);
    choose.addEventListener("click", () => this.look(told));
    return make("li", {}, choose);
  }

  async look(told) {
    this.chosen = told.name;
    for (const entry of document.querySelectorAll("[data-session]")) {
      mark(entry, "aria-pressed", entry.dataset.session === told.name);
    }
    this.seen = await read(`/sessions/${encodeURIComponent(told.name)}/look`);
    if (this.chosen !== told.name) return;
    byId("look").hidden = false;
    say(byId("look-title"), told.started ? when(told.started) : told.name);
    say(byId("look-facts"), this.seen.fault ?? (told.started ? told.name : ""));
    [this.ends[0].value, this.ends[1].value] = ["0", "1000"];
    this.cut(this.ends[0]);
    byId("download").href = `/sessions/${encodeURIComponent(told.name)}`;
    this.draw();
  }

  /** The part that is marked, in seconds. */
  part() {
    return this.ends.map((end) => (Number(end.value) / 1000) * (this.seen?.length ?? 0));
  }

  cut(moved) {
    const [from, to] = this.ends;
    if (Number(from.value) >= Number(to.value)) moved.value = moved === from ? Number(to.value) - 1 : Number(from.value) + 1;
    const part = this.part();
    this.ends.forEach((end, which) => {
      say(byId(`${end.id}-says`), length(part[which]));
      mark(end, "aria-valuetext", length(part[which]));
      end.style.setProperty("--at", String(end.value / 1000));
    });
    byId("trim").disabled = from.value === "0" && to.value === "1000";
    this.draw();
  }

  draw() {
    if (!this.seen?.events || !this.colours) return;
    drawSession(byId("picture"), this.seen, this.colours, { part: this.part(), at: this.at });
  }

  model(told) {
    const entry = make("li", { class: "entry", "data-model": told.name }, make("strong", {}, told.name));
    if (told.fault) {
      entry.append(make("span", {}, told.fault));
      return entry;
    }
    const score = typeof told.held_out_nll === "number" ? `, ${told.held_out_nll.toFixed(2)} nats an event` : "";
    entry.append(make("span", {}, `${told.plays.join(", ")}; ${count(told.sessions, "session")}${score}`));
    const acts = make("div", { class: "acts" });
    const players = (this.about?.parts ?? []).filter((part) => part.model);
    for (const player of players.filter((part) => part.axes.length === told.plays.length)) {
      const on = player.model.endsWith(`/${told.name}`);
      const take = make("button", { type: "button", class: "act", "aria-pressed": on },
        on ? `${player.name} plays it` : `Let ${player.name} play it`);
      take.addEventListener("click", () => this.live.send({ model: [player.name, told.name] }));
      acts.append(take);
    }
    if (told.report) {
      acts.append(make("a", { class: "act", href: `/models/${encodeURIComponent(told.report)}`, target: "_blank",
        rel: "noopener" }, "What it learned"));
    }
    entry.append(acts);
    return entry;
  }

  /** From the panel: how the learning goes. */
  training(told) {
    const ended = this.running && !told.running;
    this.running = told.running;
    const button = byId("train");
    mark(button, "aria-pressed", told.running);
    say(button, told.running ? "Stop, and keep the best so far" : "Learn from it all");
    const bar = byId("progress");
    bar.hidden = !told.running;
    if (told.planned) bar.value = told.done / told.planned;
    else bar.removeAttribute("value");
    const best = typeof told.best === "number" ? `best so far ${told.best.toFixed(2)} nats an event` : "reading";
    say(byId("trained"), told.running ? best : (told.said ?? []).join(" "));
    if (ended) this.fetch();
  }

  /** From the instrument: what is being played back. */
  update(playback) {
    this.playing = playback?.name ?? "";
    const button = byId("playback");
    mark(button, "aria-pressed", Boolean(playback));
    say(button, playback ? `Stop (${length(playback.at)} of ${length(playback.length)})` : "Play back");
    const at = playback?.name === this.chosen ? playback.at : undefined;
    if (at === this.at) return;
    this.at = at;
    this.draw();
  }
}

async function read(address) {
  try {
    const answer = await fetch(address);
    return answer.ok ? await answer.json() : [];
  } catch {
    return []; // the panel is away; the page says so already
  }
}

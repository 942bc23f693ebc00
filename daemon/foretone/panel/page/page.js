// The page: built from what the instrument says of itself, moved by what it reports.

import { byId, mark, say } from "./dom.js";
import { Figures } from "./figures.js";
import { Health } from "./health.js";
import { Instrument } from "./instrument.js";
import { Stage } from "./levers.js";
import { Live } from "./live.js";
import { Sessions } from "./sessions.js";
import { Settings } from "./settings.js";
import { Sound } from "./sound.js";
import { Spectrum } from "./spectrum.js";
import { Tabs } from "./tabs.js";
import { Teach } from "./teach.js";
import { Timeline } from "./timeline.js";
import { hint } from "./words.js";

const WARM = ["#ffb347", "#ff7d5c", "#ffe07a", "#ff9ecb"]; // people and what they hold
const COOL = ["#4fd8ff", "#a493ff", "#5ff0b0", "#7fa8ff"]; // what answers

let about = null;
let built = ""; // the about that the page is built from, without its values
let colours = null;
let staged = false; // what stands on the stage is known with the first state
let state = {};
let ghost = false;
const latest = new Map(); // the last values of each origin

const live = new Live({
  open: () => {
    sound.ask();
    watch();
  },
  close: () => link("lost"),
  control: (answers) => {
    if (about || !answers) link(answers ? "live" : "waiting");
    if (answers) file();
  },
  about: build,
  state: update,
  sound: (heard) => {
    sound.update(heard);
    figures.sound(heard);
  },
  samples: (buffer) => sound.samples(buffer),
  refused: (sentence) => figures.refused(sentence),
  training: (told) => sessions.training(told),
  shelf: () => sessions.fetch(),
});
const sound = new Sound(live);
const figures = new Figures();
const health = new Health();
const spectrum = new Spectrum(byId("spectrum"));
const timeline = new Timeline(byId("timeline"), byId("legend"));
const settings = new Settings(byId("choices"), byId("sliders"), live);
const sessions = new Sessions(live);
const instrument = new Instrument();
const teach = new Teach(live);
const tabs = new Tabs(byId("tabs"), (name) => {
  ({ sessions, instrument, health })[name]?.fetch();
  watch();
});
const stage = new Stage(byId("levers"), byId("stage"), (source, values) => {
  live.soon(`hold ${source}`, { hold: [source, values] });
});

byId("ghost").addEventListener("click", () => live.send({ ghost: !ghost }));

/** The spectrum is made only while somebody sees it. */
function watch() {
  live.send({ watch: !byId("play").hidden && !document.hidden });
}

document.addEventListener("visibilitychange", watch);

const LINKS = {
  live: "live",
  connecting: "connecting",
  lost: "connection lost: trying again",
  waiting: "instrument not running: waiting for it",
};

function link(kind) {
  mark(document.body, "data-link", kind);
  say(byId("link"), LINKS[kind]);
}

/** A colour for each part: warm for sources, cool for players; a sink has that of what it plays. */
function colourParts(parts) {
  const colours = new Map();
  const paint = (role, palette) => parts.filter((part) => part.role === role)
    .forEach((part, index) => colours.set(part.name, palette[index % palette.length]));
  paint("source", WARM);
  paint("player", COOL);
  for (const part of parts.filter((each) => each.role === "sink")) {
    const player = part.plays?.findLast((origin) => colours.has(origin));
    colours.set(part.name, colours.get(player) ?? COOL[0]);
  }
  return { of: (origin) => colours.get(origin) ?? "#c9c5d6" };
}

/** An instrument that was asked for its file while it did not answer is asked again. */
function file() {
  if (tabs.chosen === byId("tab-instrument")) instrument.refresh();
}

function build(told) {
  // Values change with every knob that is turned; a lever must not be rebuilt under a finger.
  const shape = JSON.stringify(told, (key, value) => (key === "value" || key === "model" ? undefined : value));
  about = told;
  instrument.plays = about.file;
  sessions.build(about);
  file();
  if (shape === built) return;
  built = shape;
  document.title = `${about.title} · Foretone`;
  say(byId("title"), about.title);
  colours = colourParts(about.parts);
  staged = false;
  timeline.build(about, colours);
  settings.build(about);
  figures.build();
  health.build(about);
  sessions.paint(colours);
  tabs.offer(byId("tab-teach"), teach.build(about, colours));
}

/** Where a part is: as the fake board measured it, or on a real board as it was last told. */
function position(part) {
  const measured = state.world?.[part.name];
  if (measured || part.role === "source") return measured ?? latest.get(part.name);
  return latest.get(part.plays?.findLast((origin) => latest.has(origin)));
}

/** The next prediction that a sink will play. */
function next(part) {
  return state.ahead?.find(([, origin, values]) => values.length && part.plays?.includes(origin))?.[2];
}

function update(told) {
  state = told;
  if (!about) return;
  link("live");
  if (!staged) stage.build(about, state.world ?? {}, colours);
  staged = true;
  for (const [, origin, values] of state.events ?? []) latest.set(origin, values);
  ghost = state.ghost === true;
  const button = byId("ghost");
  button.hidden = about.board !== "fake";
  mark(button, "aria-pressed", ghost);
  timeline.add(state);
  settings.update(state.settings);
  stage.update(position, next, ghost);
  figures.update(state);
  health.update(state.faults ?? [], state.waits ?? []);
  spectrum.update(state.spectrum);
  sessions.update(state.playback);
  teach.update(state);
  const levers = stage.levers.filter((lever) => lever.part.role === "source").length;
  say(byId("hint"), hint(levers, about.board === "fake", settings.shown("mode")));
}

// What the page says. Kinds and keys it does not know are shown under their own names.

const NAMES = { pi_temperature: "π temperature", sigma_temperature: "σ temperature" };

const MEANINGS = {
  silence: "stillness before it answers",
  pi_temperature: "how daring",
  sigma_temperature: "how loose",
  time_scale: "its pace",
  speed: "at most",
  volume: "how loud",
};

const MODES = {
  observe: "It listens, and plays nothing.",
  filter: "It moves when you move.",
  "call-response": "Stop: it answers.",
  battle: "It plays on, whatever you do.",
};

const CHOICES = { "call-response": "call & response" };

/** Kinds of part with nothing to look at. */
export const UNSEEN = /^(osc|midi|synth|replay|ghost)/;

export const name = (key) => NAMES[key] ?? key.replaceAll("_", " ");
export const meaning = (key) => MEANINGS[key] ?? "";
export const choice = (value) => CHOICES[value] ?? value.replaceAll("-", " ");

/** One short line: what to do, and what happens then. */
export function hint(levers, draggable, mode) {
  const which = !draggable ? "Move the lever" : levers === 1 ? "Drag the left lever" : "Drag a lever";
  return `${which}. ${MODES[mode] ?? ""}`.trim();
}

/** A number as a person reads it: three digits that matter, no trailing noise. */
export function number(value, unit = "") {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return `${value.toFixed(digits)}${unit ? " " + unit : ""}`;
}

/** A share of 1 as a whole number of hundredths. */
export const percent = (share) => Math.round(100 * share);

/** 754 s as 12:34. */
export function length(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export const count = (number, thing) => `${number.toLocaleString()} ${thing}${number === 1 ? "" : "s"}`;

/** A moment as the person's own clock says it. */
export function when(moment) {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return moment;
  return date.toLocaleString([], { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

export function device({ alive, card, device: pcm }, listening) {
  if (!alive) return "The synth is not running.";
  if (listening) return "You are listening here.";
  return card ? `playing through ALSA '${pcm}'` : "No sound card: press Listen here to hear it.";
}

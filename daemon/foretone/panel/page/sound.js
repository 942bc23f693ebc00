// Plays the synth's own samples here, for a machine without a sound card.

import { byId, mark, say } from "./dom.js";
import { device } from "./words.js";

export class Sound {
  constructor(live) {
    Object.assign(this, { live, button: byId("listen"), wanted: false, rate: 48000 });
    this.button.addEventListener("click", () => (this.wanted ? this.stop() : this.start()));
  }

  /** What the panel knows of the synth: {alive, card, device, rate, xruns}. */
  update(sound) {
    if (sound.rate > 0) this.rate = sound.rate;
    mark(byId("sound"), "data-alive", sound.alive);
    if (!this.complaint) say(byId("sound"), device(sound, this.wanted));
  }

  async start() {
    if (!window.AudioWorkletNode || !window.isSecureContext) {
      this.complain("This browser cannot play it: it has no AudioWorklet. Open the page at localhost.");
      return;
    }
    this.wanted = true;
    this.complaint = "";
    mark(this.button, "aria-pressed", true);
    // Made at the synth's own rate, so that the browser does what resampling there is to do.
    const context = new AudioContext({ sampleRate: this.rate, latencyHint: "interactive" });
    this.context = context;
    const stopped = () => this.context !== context; // a second tap, while this one was waiting
    try {
      await context.audioWorklet.addModule("/worklet.js");
      if (stopped()) return;
      this.player = new AudioWorkletNode(context, "foretone-samples", {
        numberOfInputs: 0, outputChannelCount: [2] });
      this.player.port.onmessage = ({ data }) => mark(this.button, "data-played", data);
      this.player.connect(context.destination);
      await context.resume();
      if (!stopped()) this.ask();
    } catch (fault) {
      if (stopped()) return;
      this.stop();
      this.complain(`This browser cannot play it: ${fault.message}`);
    }
  }

  stop() {
    this.wanted = false;
    mark(this.button, "aria-pressed", false);
    this.live.send({ listen: false });
    this.context?.close();
    this.context = this.player = undefined;
  }

  /** Ask for the samples; again after the connection was lost. */
  ask() {
    if (this.wanted) this.live.send({ listen: true });
  }

  samples(buffer) {
    this.player?.port.postMessage(buffer, [buffer]);
  }

  complain(sentence) {
    this.complaint = sentence;
    say(byId("sound"), sentence);
  }
}

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
    mark(this.button, "aria-pressed", true);
    try {
      // Made at the synth's own rate, so that the browser does what resampling there is to do.
      this.context = new AudioContext({ sampleRate: this.rate, latencyHint: "interactive" });
      await this.context.audioWorklet.addModule("/worklet.js");
      this.player = new AudioWorkletNode(this.context, "foretone-samples", {
        numberOfInputs: 0, outputChannelCount: [2] });
      this.player.port.onmessage = ({ data }) => mark(this.button, "data-played", data);
      this.player.connect(this.context.destination);
      await this.context.resume();
      this.ask();
    } catch (fault) {
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

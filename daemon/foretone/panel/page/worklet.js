// Runs on the browser's audio thread: a small jitter buffer between the network and the loudspeaker.

const TARGET = 0.1; // s held back, so that blocks may come late by that much
const MOST = 0.3; // s; more than this is old news, and is left out
const REPORT = 50; // blocks between two reports of how much was played

class Samples extends AudioWorkletProcessor {
  constructor() {
    super();
    this.size = 1 << 16; // frames, a power of two: 1.4 s at 48 kHz
    this.frames = new Int16Array(2 * this.size);
    this.written = 0;
    this.at = 0; // a fraction: the synth's clock and this one never agree quite
    this.level = 0;
    this.filling = true;
    this.gain = 0;
    this.blocks = 0;
    this.played = 0;
    this.port.onmessage = ({ data }) => this.take(new Int16Array(data));
  }

  take(samples) {
    for (let i = 0; i + 1 < samples.length; i += 2) {
      const to = 2 * (this.written & (this.size - 1));
      this.frames[to] = samples[i];
      this.frames[to + 1] = samples[i + 1];
      this.written += 1;
    }
    if (this.written - this.at > MOST * sampleRate) this.at = this.written - TARGET * sampleRate;
  }

  process(_inputs, [[left, right]]) {
    const held = this.written - this.at;
    const target = TARGET * sampleRate;
    if (this.filling && held < target) return true;
    if (this.filling) this.level = held;
    this.filling = held < left.length + 2;
    this.level += (held - this.level) * 0.01;
    // Play up to half a percent faster or slower, to stay at the target for hours: not to be heard.
    const drift = Math.max(-0.005, Math.min(0.005, (0.02 * (this.level - target)) / target));
    for (let i = 0; i < left.length; i += 1) {
      // In and out within 3 ms, so that neither a gap nor its end is a click.
      this.gain = Math.max(0, Math.min(1, this.gain + (this.filling ? -0.02 : 0.007)));
      if (this.at + 1 >= this.written) break;
      const whole = Math.floor(this.at);
      const part = this.at - whole;
      const a = 2 * (whole & (this.size - 1));
      const b = 2 * ((whole + 1) & (this.size - 1));
      left[i] = ((this.frames[a] * (1 - part) + this.frames[b] * part) * this.gain) / 32768;
      right[i] = ((this.frames[a + 1] * (1 - part) + this.frames[b + 1] * part) * this.gain) / 32768;
      this.at += 1 + drift;
      this.played += 1;
    }
    this.blocks += 1;
    if (this.blocks % REPORT === 0) this.port.postMessage(this.played);
    return true;
  }
}

registerProcessor("foretone-samples", Samples);

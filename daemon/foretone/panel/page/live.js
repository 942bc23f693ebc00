// The one WebSocket: comes back by itself, and never sends faster than the instrument can use.

const SEEN_EVERY = 8; // frames; the panel lets 24 be on their way
const SOONEST = 250; // ms before the first new attempt, doubled up to the next
const LATEST = 2000;

export class Live {
  /** `hear` has a function for each kind of frame, and `open`, `close` and `samples(ArrayBuffer)`. */
  constructor(hear) {
    this.hear = hear;
    this.pause = SOONEST;
    this.waiting = new Map();
    this.connect();
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.retry) this.connect();
    });
  }

  connect() {
    clearTimeout(this.retry);
    this.retry = 0;
    this.unseen = 0;
    const socket = new WebSocket(`ws://${location.host}/live`);
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.pause = SOONEST;
      this.hear.open();
    };
    socket.onmessage = ({ data }) => this.take(data);
    socket.onclose = () => {
      this.hear.close();
      this.retry = setTimeout(() => this.connect(), this.pause);
      this.pause = Math.min(LATEST, this.pause * 2);
    };
  }

  take(data) {
    this.unseen += 1;
    if (this.unseen >= SEEN_EVERY) {
      this.send({ seen: this.unseen });
      this.unseen = 0;
    }
    if (data instanceof ArrayBuffer) {
      this.hear.samples(data);
      return;
    }
    for (const [kind, value] of Object.entries(JSON.parse(data))) this.hear[kind]?.(value);
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Send at most once in `gap` ms for each key; the newest message is always sent in the end. */
  soon(key, message, gap = 17) {
    const slot = this.waiting.get(key) ?? { last: -Infinity, timer: 0 };
    this.waiting.set(key, slot);
    slot.message = message;
    if (slot.timer) return;
    const go = () => {
      slot.timer = 0;
      slot.last = performance.now();
      this.send(slot.message);
    };
    const wait = slot.last + gap - performance.now();
    if (wait <= 0) go();
    else slot.timer = setTimeout(go, wait);
  }
}

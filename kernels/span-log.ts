// A span log is a ring in shared memory: one thread notes what it did and when, another tells the recorder, and neither waits for the other.
//
// A span is three numbers: a code that the two agree on, and begin and end on the clock of `clockNs`, which all threads share.

const HEADER_BYTES = 8;
const ENTRY = 3;

export class SpanLog {
  readonly memory: SharedArrayBuffer;
  #written: Int32Array;
  #entries: Float64Array;
  #capacity: number;
  #read = 0;

  /** Looks at a log that another thread has made. */
  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#written = new Int32Array(memory, 0, 1);
    this.#entries = new Float64Array(memory, HEADER_BYTES);
    this.#capacity = Math.floor(this.#entries.length / ENTRY);
  }

  static create(capacity = 4096): SpanLog {
    return new SpanLog(new SharedArrayBuffer(HEADER_BYTES + capacity * ENTRY * 8));
  }

  /** For the one thread that writes. The oldest span goes where there is no room. */
  note(code: number, startNs: number, endNs: number): void {
    const written = this.#written[0];
    const at = (written % this.#capacity) * ENTRY;
    this.#entries[at] = code;
    this.#entries[at + 1] = startNs;
    this.#entries[at + 2] = endNs;
    Atomics.store(this.#written, 0, written + 1);
  }

  /** For the one thread that reads: tells the spans since the last time, and returns how many were overwritten before they were seen. */
  drain(tell: (code: number, startNs: number, endNs: number) => void): number {
    const written = Atomics.load(this.#written, 0);
    // An entry behind the writer by a whole turn may be changing while it is read.
    const first = Math.max(this.#read, written - this.#capacity + 1);
    const lost = first - this.#read;
    const copies = Array.from({ length: written - first }, (_, i) => {
      const at = ((first + i) % this.#capacity) * ENTRY;
      return [...this.#entries.subarray(at, at + ENTRY)] as [number, number, number];
    });
    const overrun = Math.max(0, Atomics.load(this.#written, 0) - this.#capacity + 1 - first);
    for (const [code, startNs, endNs] of copies.slice(overrun)) tell(code, startNs, endNs);
    this.#read = written;
    return lost + Math.min(overrun, copies.length);
  }
}

// How threads are asked to leave, and say that they have: a word for all and one for each, in shared memory.
//
//   words   asked | per worker: 1 while it may be in native code
//
// A thread that is ended inside a native add-on, or while it loads one, takes the process with it: the add-on finds that it may call nothing, and what it then
// throws nobody catches. So a worker is ended only when it has said that it is outside. The order makes that certain: a worker writes its own word before
// it reads the common one, and the other side writes the common word before it reads the worker's.

const [ASKED, WORKERS] = [0, 1];
const [OUTSIDE, INSIDE] = [0, 1];
const LOOK_MS = 1;

export class Leaving {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  /** Words for as many workers; or looks at those that another thread has made. */
  constructor(workers: number | SharedArrayBuffer) {
    this.memory = typeof workers === 'number' ? new SharedArrayBuffer(4 * (WORKERS + workers)) : workers;
    this.#words = new Int32Array(this.memory);
  }

  // For workers.

  /** Whether threads are asked to leave. */
  get isAsked(): boolean {
    return Atomics.load(this.#words, ASKED) !== 0;
  }

  /** Before anything that may be native; false: it must not be begun. */
  enter(worker: number): boolean {
    Atomics.store(this.#words, WORKERS + worker, INSIDE);
    if (!this.isAsked) return true;
    this.leave(worker);
    return false;
  }

  /** After it; or for a thread that is no more. */
  leave(worker: number): void {
    Atomics.store(this.#words, WORKERS + worker, OUTSIDE);
    Atomics.notify(this.#words, WORKERS + worker);
  }

  /** Stops this thread once it is asked to leave and waits for something else, such as a promise that may never settle: for good, so that nothing goes on. */
  stopWhenAsked(worker: number): void {
    const stop = () => {
      this.leave(worker);
      Atomics.wait(this.#words, WORKERS + worker, OUTSIDE);
    };
    const waiting = Atomics.waitAsync(this.#words, ASKED, 0);
    if (waiting.async) void waiting.value.then(stop);
    else stop();
  }

  // For the thread that ends them.

  ask(): void {
    Atomics.store(this.#words, ASKED, 1);
    Atomics.notify(this.#words, ASKED);
  }

  /** Resolves when every worker is outside, or after `ms`. */
  async within(ms: number): Promise<void> {
    const until = performance.now() + ms;
    while (this.#words.includes(INSIDE, WORKERS) && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }

  /** The same, without letting this thread go on meanwhile. */
  waitWithin(ms: number): void {
    const until = performance.now() + ms;
    for (let at = WORKERS; at < this.#words.length; at++) Atomics.wait(this.#words, at, INSIDE, Math.max(0, until - performance.now()));
  }
}

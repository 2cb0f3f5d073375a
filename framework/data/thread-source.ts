// Batches made by workers. This thread only waits for them, in order, and lets go of those it has read.

import type { Board } from './board.ts';
import { LoaderError, SampleError } from './loader-error.ts';
import type { Source, Taken } from './source.ts';
import type { Threads } from './threads.ts';

/** How often it is looked whether anything moves. */
const LOOK_MS = 500;

interface Options {
  readonly board: Board;
  /** Sends the workers to this epoch; called when the first batch is asked for. */
  readonly begin: () => Threads;
  readonly timeoutMs: number;
  /** What a worker is at, for messages. */
  readonly doing: (worker: number) => string;
  /** Ends the threads. */
  readonly dismiss: () => Promise<void>;
}

export class ThreadSource implements Source {
  readonly #options: Options;
  #next = 0;
  #closed: Promise<void> | undefined;
  #threads: Threads | undefined;
  /** Settles the wait for a batch. */
  #waiting: { resolve(): void; reject(error: LoaderError): void } | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  ready(): number {
    return this.#options.board.readyFrom(this.#next);
  }

  async next(): Promise<Taken | undefined> {
    const { board } = this.#options;
    const number = this.#next;
    if (number >= board.shape.batches) return undefined;
    this.#threads ??= this.#begin();
    board.allow(number + board.shape.slots);
    if (!board.isReady(number)) await this.#arrival(number, this.#threads);
    this.#next++;
    const slot = board.slotOf(number);
    const held = board.heldBy(number);
    const message = board.messageOf(number);
    if (held < 0) throw new SampleError(board.held(slot)[0], message!);
    return { number, slot, indices: Int32Array.from(board.held(slot).subarray(0, held)), making: board.makingOf(number), message };
  }

  #begin(): Threads {
    const threads = this.#options.begin();
    threads.onLost = (error) => this.#waiting?.reject(error);
    return threads;
  }

  /** Resolves when a batch is ready. Rejects where a worker died or cannot work, or nothing moved for `timeoutMs`. */
  async #arrival(number: number, threads: Threads): Promise<void> {
    const { board } = this.#options;
    // The timer keeps the process alive, which waiting for shared memory does not.
    const timer = setInterval(this.#look(number), Math.min(LOOK_MS, this.#options.timeoutMs / 4));
    try {
      while (!board.isReady(number)) {
        const change = board.change(number);
        const fault = board.fault();
        if (fault)
          throw new LoaderError(
            `DataLoader: worker ${fault.worker + 1} of ${board.shape.workers} cannot open the dataset: ${fault.message}`,
          );
        if (threads.lost) throw threads.lost;
        await new Promise<void>((resolve, reject) => {
          this.#waiting = { resolve, reject };
          if (change) change.then(() => resolve());
          else resolve();
        });
      }
    } finally {
      clearInterval(timer);
      this.#waiting = undefined;
    }
  }

  /** Looks whether workers have begun anything since it last looked. */
  #look(number: number): () => void {
    const { board, timeoutMs, doing } = this.#options;
    const begun = () => board.progress().reduce((sum, worker) => sum + worker.begun, 0);
    let [seen, since] = [begun(), performance.now()];
    return () => {
      const now = begun();
      if (now !== seen) [seen, since] = [now, performance.now()];
      // A fault that was told just before this thread began to listen.
      else if (board.fault()) this.#waiting?.resolve();
      else if (performance.now() - since >= timeoutMs)
        this.#waiting?.reject(
          new LoaderError(
            `DataLoader: batch ${number} is not there and no worker has done anything for ${timeoutMs / 1000} s (${board
              .progress()
              .map((_, worker) => `worker ${worker + 1}${doing(worker)}`)
              .join('; ')}); a sample hangs, or timeoutMs is too short`,
          ),
        );
    };
  }

  /** At the end of an epoch the threads stay for the next one; before it they are ended. */
  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    const isOver = this.#next >= this.#options.board.shape.batches;
    this.#next = this.#options.board.shape.batches;
    if (!isOver && this.#threads) await this.#options.dismiss();
  }
}

// A source makes the batches of one epoch, in order: in this thread (here), or by workers (thread-source.ts).

import type { BatchMaker } from './batch-maker.ts';
import type { Batches } from './batches.ts';
import { place } from './collate.ts';
import type { StreamDataset, Values } from './dataset.ts';
import { LoaderError, SampleError } from './loader-error.ts';
import type { Ring } from './ring.ts';
import type { Making, StageClock } from './stage-clock.ts';

/** A batch that has been made; it stays in its slot until the next one is asked for. */
export interface Taken {
  readonly number: number;
  readonly slot: number;
  /** Indices of the samples it holds, in memory of their own. */
  readonly indices: Int32Array;
  readonly making: Making;
  /** What the first of its samples that were skipped suffered from. */
  readonly message?: string;
}

export interface Source {
  /** Batches that are ready now. */
  ready(): number;
  /** The next batch, the one before let go of; undefined at the end. Rejects with a LoaderError, and is at its end then. */
  next(): Promise<Taken | undefined>;
  /** Ends whatever still works for it. */
  close(): Promise<void>;
}

/** Resolves or rejects as `pending` does, or rejects with a LoaderError after `ms`. Keeps the process alive meanwhile. */
export function within<T>(pending: Promise<T>, ms: number, what: () => string): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new LoaderError(`${what()} within ${ms / 1000} s; it may hang, or timeoutMs is too short`));
    const timer = setTimeout(late, ms);
    pending.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Batches of numbered samples, each made when it is asked for. */
export class InlineSource implements Source {
  readonly #maker: BatchMaker;
  readonly #batches: Batches;
  readonly #epoch: number;
  readonly #held: Int32Array;
  #next = 0;

  constructor(maker: BatchMaker, batches: Batches, capacity: number, epoch: number) {
    this.#maker = maker;
    this.#batches = batches;
    this.#epoch = epoch;
    this.#held = new Int32Array(capacity);
  }

  ready(): number {
    return 0;
  }

  async next(): Promise<Taken | undefined> {
    const { indices, offsets } = this.#batches;
    const number = this.#next++;
    if (number >= offsets.length - 1) return undefined;
    this.#maker.dataset.epoch = this.#epoch;
    const asked = indices.subarray(offsets[number], offsets[number + 1]);
    const { held, making, message, cause } = await this.#maker.make(number, 0, asked, this.#held);
    if (held < 0) {
      this.#next = offsets.length;
      throw new SampleError(this.#held[0], message!, { cause });
    }
    return { number, slot: 0, indices: this.#held.slice(0, held), making, message };
  }

  async close(): Promise<void> {
    this.#next = this.#batches.offsets.length;
  }
}

interface StreamOptions {
  readonly stream: StreamDataset;
  readonly ring: Ring;
  readonly clock: StageClock;
  readonly dropLast: boolean;
  readonly timeoutMs: number;
}

/** Batches of a stream: as many samples as come, `size` at a time. */
export class StreamSource implements Source {
  readonly #samples: AsyncIterator<Values> | Iterator<Values>;
  readonly #options: StreamOptions;
  #position = 0;
  #number = 0;
  #isDone = false;

  constructor(options: StreamOptions, epoch: number) {
    this.#options = options;
    const samples = options.stream.samples(epoch);
    this.#samples = Symbol.asyncIterator in samples ? samples[Symbol.asyncIterator]() : samples[Symbol.iterator]();
  }

  ready(): number {
    return 0;
  }

  async next(): Promise<Taken | undefined> {
    const { stream, ring, clock, dropLast } = this.#options;
    const { capacity } = ring.shape;
    clock.start();
    let held = 0;
    while (held < capacity && !this.#isDone) {
      const index = this.#position + held;
      clock.sample(index);
      try {
        const values = await this.#sample(index);
        clock.mark('fetch');
        if (values === undefined) break;
        place(values, stream.fields, ring.place(0, held++));
      } catch (error) {
        this.#isDone = true;
        throw new SampleError(index, `sample ${index} of the stream: ${(error as Error).message ?? error}`, { cause: error });
      }
    }
    const making = clock.stop(this.#number, 0);
    if (held === 0 || (dropLast && held < capacity)) return undefined;
    const indices = Int32Array.from({ length: held }, (_, i) => this.#position + i);
    this.#position += held;
    return { number: this.#number++, slot: 0, indices, making };
  }

  async #sample(index: number): Promise<Values | undefined> {
    const asked = this.#samples.next();
    const result = asked instanceof Promise ? await within(asked, this.#options.timeoutMs, () => `sample ${index} did not come`) : asked;
    if (result.done) this.#isDone = true;
    return result.done ? undefined : result.value;
  }

  async close(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    await this.#samples.return?.();
  }
}

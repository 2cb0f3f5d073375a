// Makes batches from a dataset: sample after sample into its place in the ring. Workers and, without them, the consumer's own thread do the same.

import { place } from './collate.ts';
import type { Clock, Dataset, Slots } from './dataset.ts';
import { LoaderError, sampleMessage } from './loader-error.ts';
import type { Ring } from './ring.ts';
import type { Making, StageClock } from './stage-clock.ts';

/** `stop`: a sample that cannot be loaded ends the epoch with an error. `skip`: it is left out, and counted. */
export type OnError = 'stop' | 'skip';

export interface Made {
  /** Samples that the batch holds, in the order of its indices without those that were skipped; -1: it failed, or was given up. */
  readonly held: number;
  /** Why it failed, or what the first of those that were skipped suffered from. */
  readonly message?: string;
  readonly cause?: unknown;
  readonly making: Making;
}

interface MakerOptions {
  readonly onError: OnError;
  readonly clock: StageClock;
  /** Told of every sample before it is loaded; false gives the batch up. */
  readonly begin?: (index: number) => boolean;
  /** Waits for a sample that is not there at once; by default as long as it takes. */
  readonly wait?: (pending: Promise<void>, index: number) => Promise<void>;
}

export class BatchMaker {
  readonly dataset: Dataset;
  readonly #ring: Ring;
  readonly #options: MakerOptions;

  constructor(dataset: Dataset, ring: Ring, options: MakerOptions) {
    this.dataset = dataset;
    this.#ring = ring;
    this.#options = options;
  }

  /** Loads the samples at `indices` into a slot, and notes in `held` which it holds; of one that failed, its first is the sample that did. Never rejects. */
  async make(batch: number, slot: number, indices: Int32Array, held: Int32Array): Promise<Made> {
    const { clock, onError, begin, wait } = this.#options;
    let [count, message]: [number, string | undefined] = [0, undefined];
    clock.start();
    for (const index of indices) {
      if (begin?.(index) === false) return { held: -1, making: clock.stop(batch, 0) };
      clock.sample(index);
      try {
        const pending = this.#load(index, this.#ring.place(slot, count), clock);
        if (pending) await (wait ? wait(pending, index) : pending);
        held[count++] = index;
      } catch (error) {
        message ??= sampleMessage(index, this.#nameOf(index), error);
        // What does not come in time keeps running, and might write to its place later.
        if (onError === 'stop' || error instanceof LoaderError) {
          held[0] = index;
          return { held: -1, message, cause: error, making: clock.stop(batch, 0) };
        }
      }
    }
    return { held: count, message, making: clock.stop(batch, indices.length - count) };
  }

  #load(index: number, slots: Slots, clock: Clock): Promise<void> | undefined {
    const { dataset } = this;
    if (dataset.getInto) return dataset.getInto(index, slots, clock) || undefined;
    const values = dataset.get(index, clock);
    if (values instanceof Promise) return values.then((each) => place(each, dataset.fields, slots));
    place(values, dataset.fields, slots);
    return undefined;
  }

  #nameOf(index: number): string | undefined {
    try {
      return this.dataset.nameOf?.(index);
    } catch {
      return undefined;
    }
  }
}

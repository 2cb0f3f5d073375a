// The feed of a step: batches from a loader without end, the page cache warm or cold, and what the loader has told of them.

import { type Batch, type BatchRecord, DataLoader, type Epoch, type LoaderReport, type Sampler } from '../../framework/data/index.ts';
import { bytesFromStorage, dropFromCache, warmCache } from './cold.ts';
import type { OpenData } from './data.ts';

/** Batches of an epoch: long, so that its end, where workers run out of work, is met by few samples. */
const EPOCH = 4096;

export interface FeedOptions {
  readonly batch: number;
  readonly workers: number;
  readonly prefetch: number;
  /** Whether files are put out of the page cache before each sample. */
  readonly isCold: boolean;
}

/** Steps before a pipeline is steady: those that were ready while nobody asked, and one more for each worker. */
export const warmUp = ({ workers, prefetch }: Pick<FeedOptions, 'workers' | 'prefetch'>): number =>
  workers === 0 ? 1 : prefetch + 1 + workers;

/** Batches in a row that must be cold for a sample of `calls` steps: those of the warm-up, and those that workers are ahead at its end. */
export const coldBatches = (options: Pick<FeedOptions, 'workers' | 'prefetch'>, calls: number): number =>
  warmUp(options) + calls + (options.workers > 0 ? options.prefetch : 0);

/** Batches and steps since it was last decided whether workers keep up, and what they took together. */
export interface Pace {
  batches: number;
  makeNs: number;
  steps: number;
  stepNs: number;
}

const noPace = (): Pace => ({ batches: 0, makeNs: 0, steps: 0, stepNs: 0 });

/** Batches differ: only where they take clearly longer than the step, or clearly less than one that waits for them, is that more than chance. */
const [SLOWER, FASTER] = [1.05, 0.9];

/** Whether workers cannot keep the queue from running empty: without a queue never, and where it was so before until they are faster. */
export function isStarved({ workers, prefetch }: Pick<FeedOptions, 'workers' | 'prefetch'>, pace: Pace, wasSo: boolean): boolean {
  const { batches, makeNs, steps, stepNs } = pace;
  if (workers === 0 || prefetch === 0 || batches === 0 || steps === 0) return false;
  return makeNs / batches / workers > ((wasSo ? FASTER : SLOWER) * stepNs) / steps;
}

/** How much longer than a batch took them workers are waited for: they slow each other down when they all work at once. */
const REST_MARGIN = 1.3;

/** Most samples that are gone through: each is read once before anything is measured. */
const MOST_SAMPLES = 2048;

export class Feed {
  readonly warmUp: number;
  readonly isCold: boolean;
  readonly #options: FeedOptions;
  readonly #files: readonly string[];
  readonly #loader: DataLoader;
  #epoch: Epoch | undefined;
  #last: BatchRecord | undefined;
  /** Taken by `drain`, and not thrown away. */
  #kept: Batch | undefined;
  #pace = noPace();
  #wasStarved = false;
  #storageBytes = 0;

  constructor({ dataset, files = [] }: OpenData, options: FeedOptions) {
    const { batch, workers, prefetch } = options;
    this.isCold = options.isCold;
    this.#options = options;
    this.warmUp = warmUp(options);
    // Whole batches, so that each has its own files.
    const pool = Math.max(batch, Math.floor(Math.min(dataset.length, MOST_SAMPLES) / batch) * batch);
    this.#files = files.slice(0, pool);
    if (!options.isCold) warmCache(this.#files);
    const indices = Int32Array.from({ length: EPOCH * batch }, (_, i) => (i % pool) % dataset.length);
    const sampler: Sampler = { length: indices.length, order: () => indices };
    this.#loader = new DataLoader(dataset, { batchSize: batch, sampler, workers, prefetch });
  }

  async next(): Promise<Batch> {
    if (this.#kept) {
      const batch = this.#kept;
      this.#kept = undefined;
      return batch;
    }
    this.#epoch ??= this.#loader[Symbol.asyncIterator]();
    const { done, value } = await this.#epoch.next();
    if (!done) {
      this.#last = value.record;
      return value;
    }
    this.#epoch = undefined;
    return this.next();
  }

  /** Throws away the batches that workers are ahead; the first that is waited for comes next. Gives how many it took. */
  async drain(): Promise<number> {
    for (let taken = 1; ; taken++) {
      const batch = await this.next();
      if (batch.record.ready > 0 && taken < this.warmUp) continue;
      this.#kept = batch;
      return taken;
    }
  }

  /** Puts the files out of the page cache, where they are to be read cold. */
  chill(): void {
    if (this.isCold) dropFromCache(this.#files);
  }

  /** Begins to count anew. */
  forget(): void {
    this.#loader.forget();
    this.#storageBytes = bytesFromStorage() ?? 0;
  }

  /** Counts `steps` of `stepNs` together since `forget`, and says whether no batch is ready in the long run, by these and earlier samples. */
  judgePace(steps: number, stepNs: number): boolean {
    const { batches, fetchNs, decodeNs, transformNs, otherNs } = this.#loader.report();
    this.#pace.batches += batches;
    this.#pace.makeNs += fetchNs + decodeNs + transformNs + otherNs;
    this.#pace.steps += steps;
    this.#pace.stepNs += stepNs;
    const isSo = isStarved(this.#options, this.#pace, this.#wasStarved);
    if (isSo !== this.#wasStarved) this.#pace = noPace();
    this.#wasStarved = isSo;
    return isSo;
  }

  /** Sums since `forget`, and the bytes that came from storage. */
  report(): LoaderReport & { readonly storageBytes: number } {
    return { ...this.#loader.report(), storageBytes: (bytesFromStorage() ?? 0) - this.#storageBytes };
  }

  /** Waits until workers are as far ahead as they may be, and rest; by what a batch took them so far. */
  async rest(): Promise<void> {
    const { workers, prefetch } = this.#options;
    const last = this.#last;
    if (workers === 0 || !last) return;
    const missing = prefetch + 1 - Math.min(prefetch, Math.max(0, last.ready - 1));
    const ms = (Math.ceil(missing / workers) * last.totalNs) / 1e6;
    await new Promise((resolve) => setTimeout(resolve, ms * REST_MARGIN));
  }

  close(): Promise<void> {
    return this.#loader.close();
  }
}

// What a loader can be asked for, and what comes of it for a dataset: batches, workers, how far ahead.

import type { OnError } from './batch-maker.ts';
import { type BatchSampler, batched } from './batches.ts';
import type { Dataset, StreamDataset } from './dataset.ts';
import { LoaderError } from './loader-error.ts';
import { checkFields } from './ring.ts';
import { checkLength, type Sampler, sequential, shuffled } from './samplers.ts';

export interface LoaderOptions {
  /** Samples a batch; default 32. */
  readonly batchSize?: number;
  /** Another random order in each epoch; without it, and without a sampler, the dataset's own. */
  readonly shuffle?: boolean;
  /** Of the shuffled order; default 0. */
  readonly seed?: number;
  /** Which samples in which order, in place of `shuffle`. */
  readonly sampler?: Sampler;
  /** Whole batches, in place of `batchSize`, `shuffle`, `sampler` and `dropLast`. */
  readonly batchSampler?: BatchSampler;
  /** Leaves out a last batch that is not full. */
  readonly dropLast?: boolean;
  /** Threads that load; default 0: batches are made when they are asked for, by the thread that asks. */
  readonly workers?: number;
  /** Batches that workers may be ahead of the one that is read; default two a worker. With 0 they begin when a batch is asked for. */
  readonly prefetch?: number;
  /**
   * What a sample that cannot be loaded does: `stop` (default) ends the epoch with a SampleError in place of its batch; with `skip` it is left out, so the batch
   * has one sample less, and a batch of which nothing is left does not come. The report counts them.
   */
  readonly onError?: OnError;
  /** Milliseconds within which a sample must come; default 120,000. */
  readonly timeoutMs?: number;
}

/** Options with their defaults, checked. */
export interface Settings {
  readonly workers: number;
  readonly prefetch: number;
  readonly onError: OnError;
  readonly timeoutMs: number;
  readonly dropLast: boolean;
  /** Undefined for a stream. */
  readonly sampler: BatchSampler | undefined;
  /** Samples of the largest batch. */
  readonly capacity: number;
}

const TIMEOUT_MS = 120_000;
const MOST = 2 ** 31 - 1;

export const isStream = (dataset: Dataset | StreamDataset): dataset is StreamDataset => 'samples' in dataset;

/** Throws a RangeError unless a number is a whole one in its range. */
export function whole(name: string, value: number, least: number, most: number = MOST): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`DataLoader: ${name} is ${value}, expected a whole number from ${least} to ${most}`);
  return value;
}

/** Throws a RangeError or TypeError for options that make no sense, a LoaderError for what the dataset cannot do. */
export function settingsOf(dataset: Dataset | StreamDataset, options: LoaderOptions): Settings {
  const { batchSize = 32, workers = 0, onError = 'stop', timeoutMs = TIMEOUT_MS, dropLast = false } = options;
  whole('batchSize', batchSize, 1);
  whole('workers', workers, 0, 256);
  const prefetch = whole('prefetch', options.prefetch ?? 2 * workers, 0, 65536);
  if (onError !== 'stop' && onError !== 'skip') throw new RangeError(`DataLoader: onError is '${onError}', expected 'stop' or 'skip'`);
  if (!(timeoutMs >= 1 && timeoutMs <= MOST)) throw new RangeError(`DataLoader: timeoutMs is ${timeoutMs}, expected 1 to ${MOST}`);
  checkFields(dataset.fields);
  if (isStream(dataset)) checkForStream(options);
  else if (workers > 0 && !dataset.recipe)
    throw new LoaderError('DataLoader: the dataset has no recipe by which workers could open it; use workers: 0, or give it one');
  const sampler = isStream(dataset) ? undefined : samplerOf(dataset, batchSize, options);
  return { workers, prefetch: workers && prefetch, onError, timeoutMs, dropLast, sampler, capacity: sampler?.largest ?? batchSize };
}

function checkForStream(options: LoaderOptions): void {
  const odd = (['shuffle', 'sampler', 'batchSampler', 'workers'] as const).find((name) => options[name]);
  if (odd)
    throw new LoaderError(
      `DataLoader: a stream comes in its own order and in one thread; leave out ${odd}, or use a dataset with length and get`,
    );
  if (options.onError === 'skip')
    throw new LoaderError("DataLoader: a stream that fails has no next sample; leave out onError: 'skip', and skip where it is made");
}

function samplerOf({ length }: Dataset, batchSize: number, options: LoaderOptions): BatchSampler {
  const { shuffle, seed, sampler, batchSampler, dropLast } = options;
  checkLength('DataLoader: the dataset', length);
  if (batchSampler) {
    const odd = (['batchSize', 'shuffle', 'sampler', 'dropLast'] as const).find((name) => options[name]);
    if (odd) throw new RangeError(`DataLoader: batchSampler decides what ${odd} would; leave one out`);
    return batchSampler;
  }
  if (sampler && shuffle) throw new RangeError('DataLoader: sampler decides the order that shuffle would; leave one out');
  return batched(sampler ?? (shuffle ? shuffled(length, { seed }) : sequential(length)), batchSize, dropLast);
}

// The ways to run a step, as the harness calls them: a step a call, in the loader's steady state, with what the main thread did meanwhile as figures.

import { availableParallelism } from 'node:os';
import { type Batch, DataError, type Dataset, type Slots } from '../../framework/data/index.ts';
import type { Facts, Work } from '../../harness/suite.ts';
import type { DeviceKind } from '../../kernels/kernel.ts';
import { openDevice } from '../../kernels/open.ts';
import { clockNs, MAIN_THREAD, tracing } from '../../kernels/span.ts';
import { type DataOptions, DELAYS, type OpenData, openData } from './data.ts';
import { delayedStep, roundsFor } from './delays.ts';
import { Feed } from './feed.ts';
import { type ModelName, type Step, trainingStep } from './step.ts';

/** `resident`, `host`, `cached`, `cold`: see analysis.ts. `half`: as the last of them that there is, and the net trains in every second step only. */
export const WAYS = ['resident', 'host', 'cached', 'cold', 'half'] as const;
export type Way = (typeof WAYS)[number];

export interface WorkOptions extends DataOptions {
  readonly model: ModelName;
  readonly seed: number;
  readonly device: DeviceKind;
  readonly threads?: number;
  readonly workers: number;
  readonly prefetch: number;
  /** Whether `half` reads cold: there is a cold way to hold it against. */
  readonly isCold: boolean;
}

/** Steps of a sample: several turns of the workers; fewer where each needs files that are cold. Even, so that `half` trains in half of them. */
const CALLS = 8;
export const COLD_CALLS = 4;

const nothing = () => ({ calls: 0, wait: 0, copy: 0, compute: 0 });

class StepWorkload implements Work {
  readonly leastCalls: number;
  readonly #way: Way;
  readonly #data: OpenData;
  readonly #step: Step;
  readonly #feed: Feed | undefined;
  readonly #close: () => Promise<void>;
  /** The batch of those ways that have one only. */
  readonly #fixed: Slots;
  #spent = nothing();
  #turn = 0;
  #loss = Number.NaN;
  #complaint: string | undefined;
  #checked = 0;

  constructor(way: Way, data: OpenData, step: Step, fixed: Slots, feed: Feed | undefined, close: () => Promise<void>) {
    this.leastCalls = feed?.isCold ? COLD_CALLS : CALLS;
    this.#way = way;
    this.#data = data;
    this.#step = step;
    this.#feed = feed;
    this.#fixed = fixed;
    this.#close = close;
    step.put(fixed);
  }

  async run(): Promise<void> {
    const began = clockNs();
    const batch = this.#feed && (await this.#feed.next());
    const fed = batch ? clockNs() : began;
    if (batch) this.#step.put({ image: batch.arrays.image.values, label: batch.arrays.label.values });
    else if (this.#way === 'host') this.#step.put(this.#fixed);
    const copied = clockNs();
    if (this.#way !== 'half' || this.#turn++ % 2 === 0) this.#loss = await this.#step.run();
    const ended = clockNs();
    const spent = this.#spent;
    spent.calls++;
    spent.wait += fed - began;
    spent.copy += copied - fed;
    spent.compute += ended - copied;
    tracing()?.span(MAIN_THREAD, 'train', 'step', copied, ended);
    if (batch && this.#checked < 2) await this.#check(batch);
  }

  /** Compares the first batches with the samples themselves. */
  async #check(batch: Batch): Promise<void> {
    this.#checked++;
    const { dataset } = this.#data;
    const last = batch.size - 1;
    for (const position of new Set([0, last])) {
      const { image, label } = await dataset.get(batch.indices[position]);
      const size = (image as Float32Array).length;
      const found = batch.arrays.image.values.subarray(position * size, (position + 1) * size);
      const odd = found.findIndex((value, i) => value !== (image as Float32Array)[i]);
      if (odd >= 0 || batch.arrays.label.values[position] !== label)
        this.#complaint ??= `sample ${position} of batch ${batch.number} is not sample ${batch.indices[position]} of the data set`;
    }
  }

  verify(): string | undefined {
    return this.#complaint ?? (Number.isFinite(this.#loss) ? undefined : `the loss is ${this.#loss}, expected a number`);
  }

  /**
   * Brings the loader to where it is in the long run; the queue was full while nobody asked. Where workers keep up it is full then, too, after as many steps as
   * there were batches. Where they do not it is empty, but a step that takes nearly as long as a batch would need hundreds of them to empty it.
   */
  async steady(): Promise<void> {
    const { calls, wait, copy, compute } = this.#spent;
    const isStarved = this.#feed?.judgePace(calls, wait + copy + compute);
    this.#feed?.chill();
    if (isStarved) await this.#feed?.drain();
    else for (let i = 1; i < (this.#feed?.warmUp ?? 1); i++) await this.run();
    await this.run();
    this.#feed?.forget();
    this.#spent = nothing();
    this.#turn = 0;
  }

  /** Workers rest before the next arm takes its turn. */
  async figures() {
    await this.#feed?.rest();
    return this.#figures();
  }

  #figures() {
    const { calls, wait, copy, compute } = this.#spent;
    const ms = (metric: string, ns: number) => ({ metric, unit: 'ms', value: ns / calls / 1e6 });
    const own = [ms('copy', copy), ms('compute', compute)];
    if (!this.#feed) return own;
    const { batches, fetchNs, decodeNs, transformNs, otherNs, occupancy, storageBytes } = this.#feed.report();
    const making = (metric: string, ns: number) => ({ metric, unit: 'ms', value: ns / batches / 1e6 });
    const ready = occupancy.reduce((sum, times, count) => sum + times * count, 0) / batches;
    return [
      ms('wait', wait),
      ...own,
      making('fetching', fetchNs),
      making('decoding', decodeNs + transformNs + otherNs),
      { metric: 'ready', unit: 'batches', value: ready },
      ...(this.#way === 'cold' ? [{ metric: 'storage', unit: 'MB', value: storageBytes / calls / 1e6 }] : []),
    ];
  }

  facts(): Facts {
    const cores = availableParallelism();
    return {
      bytesH2d: this.#way === 'resident' ? 0 : Object.values(this.#fixed).reduce((sum, { byteLength }) => sum + byteLength, 0),
      extra: { cores, busy_threads: Math.min(this.#step.threads, cores) },
    };
  }

  async close(): Promise<void> {
    await this.#feed?.close();
    await this.#step.close();
    await this.#close();
  }
}

/** Opens data and device, and makes the work of a way. */
export async function workOf(way: Way, options: WorkOptions): Promise<Work> {
  const { model, batch, seed, device: kind, threads, workers, prefetch } = options;
  const data = await openData(options, way === 'cold' || (way === 'half' && options.isCold));
  const { dataset, files } = data;
  if (way === 'cold' && !files && options.data !== DELAYS)
    throw new DataError(`${options.data}: its samples are no files of their own, so there is nothing to read cold`);
  const device = options.data === DELAYS ? undefined : await openDevice(kind, { threads });
  const step = device
    ? await trainingStep(dataset.fields, { model, batch, classes: dataset.classes.length, seed }, device)
    : delayedStep(options.delays, kind === 'webgpu', roundsFor(workers));
  const isCold = files !== undefined && (way === 'cold' || (way === 'half' && options.isCold));
  const feed = way === 'resident' || way === 'host' ? undefined : new Feed(data, { batch, workers, prefetch, isCold });
  return new StepWorkload(way, data, step, await firstBatch(dataset, batch, workers > 0), feed, async () => device?.close());
}

/** The first samples as a batch in memory like the loader's: shared where workers write it. */
async function firstBatch(dataset: Dataset, batch: number, isShared: boolean): Promise<Slots> {
  const size = dataset.fields.image.shape.reduce((product, extent) => product * extent, 1);
  const memory = (bytes: number) => (isShared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes)) as ArrayBuffer;
  const image = new Float32Array(memory(4 * batch * size));
  const label = new Int32Array(memory(4 * batch));
  for (let i = 0; i < batch; i++) {
    const sample = await dataset.get(i % dataset.length);
    image.set(sample.image as Float32Array, i * size);
    label[i] = sample.label as number;
  }
  return { image, label };
}

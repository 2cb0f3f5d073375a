// The test pipeline: each part of a step takes as long as it is told, so that what the analysis finds can be held against what was put in.
//
// Fetch waits and takes no processor, as storage does; decode and copy compute, and so does the step, or it waits as for a GPU. Where no other thread computes,
// computing goes by the clock and lasts exactly as long as it is told, at whatever speed the processor runs just then. Beside workers it is a fixed amount
// of work: what takes a thread so long that has a processor to itself, and longer one that has not.

import { crc32 } from 'node:zlib';
import type { Clock, Dataset, Fields, Recipe, Slots, Values } from '../../framework/data/index.ts';
import type { StepWork } from './queue.ts';
import type { Step } from './step.ts';

/** Milliseconds of a batch. */
export type Delays = StepWork;

const cell = new Int32Array(new SharedArrayBuffer(4));
/** What a sleep may last longer than asked; this much is waited for by looking at the clock. */
const OVERSLEPT_MS = 0.15;

/** Waits with the processor free for others. */
export function rest(ms: number): void {
  const end = performance.now() + ms;
  if (ms > OVERSLEPT_MS) Atomics.wait(cell, 0, 0, ms - OVERSLEPT_MS);
  while (performance.now() < end);
}

/** The work of computing: checksums of a block, by native code, whose speed depends on no compiler; some microseconds a round. */
const BLOCK = Buffer.alloc(16384, 'tilebench');
let sum = 0;
function chain(rounds: number): void {
  for (let left = Math.round(rounds); left > 0; left--) sum = crc32(BLOCK, sum);
}

/** Computes for milliseconds: by the clock, or as many rounds as were measured to take so long. */
function compute(ms: number, rounds: number | undefined): void {
  if (rounds !== undefined) {
    chain(rounds * ms);
    return;
  }
  const end = performance.now() + ms;
  while (performance.now() < end);
}

const TRIES = 300;
let measuredRounds: number | undefined;

/**
 * Rounds that a thread which has a processor to itself does in a millisecond: of many tries the middle one, since a processor's speed comes and goes.
 * `anew` measures again.
 */
export function roundsPerMs(anew = false): number {
  if (measuredRounds !== undefined && !anew) return measuredRounds;
  const rounds = 100;
  const rates = Array.from({ length: TRIES }, () => {
    const began = performance.now();
    chain(rounds);
    return rounds / (performance.now() - began);
  });
  measuredRounds = rates.sort((a, b) => a - b)[TRIES / 2];
  return measuredRounds;
}

/** How the test pipeline computes beside as many workers. */
export const roundsFor = (workers: number): number | undefined => (workers > 0 ? roundsPerMs() : undefined);

export interface DelaysOptions {
  readonly delays: Delays;
  /** See `roundsPerMs`: measured once, so that all threads do the same work. Without it computing goes by the clock. */
  readonly rounds?: number;
  /** Samples that share a batch's delays. */
  readonly batch: number;
  readonly length: number;
}

const FIELDS: Fields = { image: { dtype: 'f32', shape: [1, 4, 4] }, label: { dtype: 'i32', shape: [] } };

class DelayedDataset implements Dataset {
  readonly length: number;
  readonly fields = FIELDS;
  readonly classes = ['none'];
  readonly recipe: Recipe;
  readonly #options: DelaysOptions;

  constructor(options: DelaysOptions) {
    this.length = options.length;
    this.#options = options;
    this.recipe = { module: import.meta.url, name: 'delayedDataset', options };
  }

  get(index: number, clock?: Clock): Values {
    const image = new Float32Array(16);
    this.getInto(index, { image, label: new Int32Array(1) }, clock);
    return { image, label: 0 };
  }

  getInto(index: number, slots: Slots, clock?: Clock): void {
    const { delays, batch, rounds } = this.#options;
    rest(delays.fetch / batch);
    clock?.mark('fetch');
    compute(delays.decode / batch, rounds);
    slots.image.fill(index);
    slots.label[0] = 0;
    clock?.mark('decode');
  }
}

/** The factory that the recipe names. */
export const delayedDataset = (options: DelaysOptions): DelayedDataset => new DelayedDataset(options);

/** A step that takes the delays of copy and compute, by `rounds` as the dataset does; `waits` for the latter as for a GPU. */
export function delayedStep(delays: Delays, waits: boolean, rounds?: number): Step {
  return {
    threads: waits ? 0 : 1,
    put: () => compute(delays.copy, rounds),
    async run() {
      if (waits) rest(delays.compute);
      else compute(delays.compute, rounds);
      return 1;
    },
    close: async () => undefined,
  };
}

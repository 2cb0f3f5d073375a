// What a loader knows of its own time: for each batch how long the consumer was blocked, how many batches were ready when it asked, and what making it took.

import type { Making } from './stage-clock.ts';

export interface BatchRecord extends Making {
  readonly epoch: number;
  readonly number: number;
  /** Samples that it holds; 0 where all were skipped and it was left out. */
  readonly size: number;
  /** Nanoseconds that the consumer was blocked in `next()`: with no workers that is the making itself. */
  readonly waitNs: number;
  /** Batches that were ready when this one was asked for, itself included: 0 says that the consumer had to wait. */
  readonly ready: number;
}

export interface LoaderReport {
  readonly workers: number;
  /** Batches that workers may be ahead. */
  readonly prefetch: number;
  readonly batches: number;
  readonly samples: number;
  /** Samples left out because they could not be loaded, and what the first of them suffered from. */
  readonly skipped: number;
  readonly faults: readonly string[];
  /** Sums over all batches, in nanoseconds. Stages are the workers' time, the wait is the consumer's. */
  readonly waitNs: number;
  readonly fetchNs: number;
  readonly decodeNs: number;
  readonly transformNs: number;
  readonly otherNs: number;
  /** How often n batches were ready at `next()`, by n. */
  readonly occupancy: readonly number[];
  /** The last of the batches, oldest first. */
  readonly recent: readonly BatchRecord[];
}

/** Records that are kept. */
const RECENT = 10_000;
const FAULTS = 20;
const SUMS = ['waitNs', 'fetchNs', 'decodeNs', 'transformNs', 'otherNs', 'skipped'] as const;

const nothing = () => ({ waitNs: 0, fetchNs: 0, decodeNs: 0, transformNs: 0, otherNs: 0, skipped: 0 });

export class Accounting {
  #batches = 0;
  #samples = 0;
  #sums = nothing();
  #faults: string[] = [];
  #occupancy: number[] = [];
  #recent: BatchRecord[] = [];

  forget(): void {
    this.#batches = this.#samples = 0;
    this.#sums = nothing();
    [this.#faults, this.#occupancy, this.#recent] = [[], [], []];
  }

  add(record: BatchRecord, message: string | undefined): void {
    // Its place in a ring once there are as many as are kept.
    this.#recent[this.#batches % RECENT] = record;
    this.#batches++;
    this.#samples += record.size;
    for (const name of SUMS) this.#sums[name] += record[name];
    this.#occupancy[record.ready] = (this.#occupancy[record.ready] ?? 0) + 1;
    if (message !== undefined && this.#faults.length < FAULTS) this.#faults.push(message);
  }

  report(workers: number, prefetch: number): LoaderReport {
    const oldest = this.#batches % RECENT;
    const recent = this.#batches <= RECENT ? [...this.#recent] : [...this.#recent.slice(oldest), ...this.#recent.slice(0, oldest)];
    return {
      workers,
      prefetch,
      batches: this.#batches,
      samples: this.#samples,
      ...this.#sums,
      faults: [...this.#faults],
      occupancy: Array.from(this.#occupancy, (times) => times ?? 0),
      recent,
    };
  }
}

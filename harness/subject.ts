// A subject is the thing an arm measures, made ready in the arm's process: called once, checked, and callable in batches.

import type { Figure, Prepared } from './protocol.ts';

export interface Subject {
  /** What making it ready has shown. */
  readonly prepared: Prepared;
  /** True where a batch ends by a promise. */
  readonly asynchronous: boolean;
  /** Set where work is done once: nanoseconds of the call that made it ready. */
  readonly onlyNs?: number;
  /** Runs `iterations` calls and returns the nanoseconds of one, on the clock of the host. */
  batch(iterations: number): number | Promise<number>;
  /** Calls that a sample spans at least; 1 if absent. */
  readonly leastIterations?: number;
  /** Other figures of the same work, measured apart so that they do not disturb `batch`. */
  figures?(iterations: number): Promise<Figure[]>;
  close(): void | Promise<void>;
}

/** Nanoseconds since some moment. */
export const nowNs = (): number => performance.now() * 1e6;

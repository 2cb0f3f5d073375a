// Spans and counters as an arm hands them over to the parent: after it was made ready, and after each sample, never while one is taken.

import type { Events } from '../kernels/span.ts';

export type { Category, Count, Events, Span } from '../kernels/span.ts';

/** What an arm's process has recorded since the last time. */
export interface ArmEvents extends Events {
  readonly arm: string;
  readonly pid: number;
  readonly fork: number;
}

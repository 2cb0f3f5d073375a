// The clock of a thread that loads: it attributes the time of a batch to stages, and notes spans where a trace is wanted. One reading of the time a mark.

import { clockNs } from '../../kernels/span.ts';
import type { SpanLog } from '../../kernels/span-log.ts';
import type { Clock } from './dataset.ts';

/** What making a batch took, in nanoseconds. */
export interface Making {
  fetchNs: number;
  decodeNs: number;
  transformNs: number;
  /** Of no stage: copying to the batch, and what a dataset does not mark. */
  otherNs: number;
  /** From the first sample's begin to the last one's end: the sum of the others. */
  totalNs: number;
  /** Which worker; 0 where there are none. */
  worker: number;
  /** Samples that could not be loaded and were left out. */
  skipped: number;
}
export const MAKING = [
  'fetchNs',
  'decodeNs',
  'transformNs',
  'otherNs',
  'totalNs',
  'worker',
  'skipped',
] as const satisfies readonly (keyof Making)[];

const STAGES = { fetch: 0, decode: 1, transform: 2 } as const;
const [OTHER, BATCH, CODES] = [3, 4, 8];
/** Spans shorter than this are left out of a trace: they would cost more than they tell. */
const SHORT_NS = 10_000;

export class StageClock implements Clock {
  readonly #worker: number;
  readonly #log: SpanLog | undefined;
  readonly #ns = new Float64Array(4);
  #beganNs = 0;
  #lastNs = 0;
  #index = 0;

  constructor(worker: number, log?: SpanLog) {
    this.#worker = worker;
    this.#log = log;
  }

  /** Begins a batch. */
  start(): void {
    this.#ns.fill(0);
    this.#beganNs = this.#lastNs = clockNs();
  }
  /** Begins a sample: what was not marked of the last belongs to no stage. */
  sample(index: number): void {
    this.#pass(OTHER);
    this.#index = index;
  }
  mark(stage: 'fetch' | 'decode' | 'transform'): void {
    this.#pass(STAGES[stage]);
  }
  /** Ends a batch. */
  stop(batch: number, skipped: number): Making {
    this.#pass(OTHER);
    this.#log?.note(batch * CODES + BATCH, this.#beganNs, this.#lastNs);
    const [fetchNs, decodeNs, transformNs, otherNs] = this.#ns;
    return { fetchNs, decodeNs, transformNs, otherNs, totalNs: this.#lastNs - this.#beganNs, worker: this.#worker, skipped };
  }

  #pass(stage: number): void {
    const now = clockNs();
    this.#ns[stage] += now - this.#lastNs;
    if (this.#log && now - this.#lastNs >= SHORT_NS) this.#log.note(this.#index * CODES + stage, this.#lastNs, now);
    this.#lastNs = now;
  }
}

/** What a code in the log stands for. */
export function spanOf(code: number): {
  readonly name: string;
  readonly category: 'load' | 'decode' | 'transform';
  readonly args: Readonly<Record<string, number>>;
} {
  const number = Math.floor(code / CODES);
  const stage = code % CODES;
  if (stage === BATCH) return { name: 'batch', category: 'load', args: { batch: number } };
  const name = ['fetch', 'decode', 'transform', 'other'][stage];
  return {
    name,
    category: stage === STAGES.decode ? 'decode' : stage === STAGES.transform ? 'transform' : 'load',
    args: { sample: number },
  };
}

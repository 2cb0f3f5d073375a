// What is known of a configuration once it was measured, or has failed, as its line in a journal: T4 form, milliseconds.

import type { Tunables } from '../../kernels/kernel.ts';
import type { Failure } from '../protocol.ts';
import { calm } from './race.ts';
import type { Compiled, Proven } from './stage.ts';
import type { T4Result } from './t4.ts';

/** What is known of a configuration when its line is written. */
export interface Entry {
  readonly compiled?: Compiled;
  readonly proven?: Proven;
  readonly times?: readonly number[];
  /** How much slower the machine was than when the leaders were measured. */
  readonly drift?: number;
  /** Whether leaders were slower than a drift explains, in every attempt. */
  readonly disturbed?: boolean;
  readonly out?: string;
  readonly searchNs?: number;
  readonly benchmarkNs?: number;
  readonly frameworkNs?: number;
  readonly failure?: Failure;
  readonly step?: 'compile' | 'run';
}

function invalidityOf({ failure, step }: Entry): T4Result['invalidity'] {
  if (!failure) return 'correct';
  if (failure.status === 'timeout') return 'timeout';
  if (failure.status === 'wrong') return 'correctness';
  if (failure.status === 'skipped') return 'constraints';
  return step === 'compile' ? 'compile' : 'runtime';
}

/** The line of a configuration, in milliseconds. Its time is the lower quartile of its samples, with the machine's drift divided out. */
export function resultOf(tunables: Tunables, entry: Entry): T4Result {
  const { compiled, proven, times = [], drift = 1, out, failure } = entry;
  const ms = (ns = 0) => Number((ns / 1e6).toPrecision(6));
  const measurements = failure ? [] : [{ name: 'time', value: ms(calm(times) / drift), unit: 'ms' }];
  if (proven?.maxRelErr !== undefined) measurements.push({ name: 'max_rel_err', value: proven.maxRelErr, unit: '' });
  return {
    timestamp: new Date().toISOString(),
    configuration: tunables,
    objectives: ['time'],
    times: {
      compilation_time: ms(compiled?.compileNs),
      compilation: ms(compiled?.compileNs),
      benchmark: ms(entry.benchmarkNs),
      framework: ms(entry.frameworkNs),
      search_algorithm: ms(entry.searchNs),
      validation: ms(proven?.validationNs),
      runtimes: times.map(ms),
    },
    invalidity: invalidityOf(entry),
    correctness: failure ? 0 : 1,
    measurements,
    x: {
      ...(proven && { proofs: proven.proofs }),
      ...(drift !== 1 && { drift: Number(drift.toPrecision(4)) }),
      ...(entry.disturbed && { disturbed: true }),
      ...(out !== undefined && { dropped: out }),
      ...(failure && { reason: failure.reason }),
    },
  };
}

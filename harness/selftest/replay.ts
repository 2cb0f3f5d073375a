// Replays: what the gate would have said of a slowdown that nobody made. Pairs that were recorded with both sides alike are drawn again, scaled by the slowdown, and
// judged by the gate's own code, both stages.
//
// Since both sides were the same code, which of them was called the head is arbitrary: a draw is a pair and a side. So the true ratio of what is drawn is exactly the
// one that was injected. That hides a difference between the sides, which is looked for in the recording itself (findings.ts).

import { seededRandom } from '../../kernels/random.ts';
import type { Terms } from '../comparison/estimate.ts';
import { locationInterval, standardDeviation } from '../comparison/location.ts';
import { MOST_PAIRS } from '../comparison/looks.ts';
import { confirmingPairs, screen } from '../comparison/screening.ts';
import { judge } from '../comparison/verdict.ts';
import type { Trial } from './recording.ts';

/** All recorded pairs of a benchmark. */
export interface Pool {
  readonly name: string;
  readonly logs: readonly number[];
  /** Standard deviation of the log ratios of pairs. */
  readonly spread: number;
}

/** Fewer pairs than this say too little of how a benchmark scatters. */
const LEAST_PAIRS = 10;

/** The clean pairs of each benchmark, over all trials. */
export function poolsOf(trials: readonly Trial[]): Pool[] {
  const logs = new Map<string, number[]>();
  for (const { rows } of trials.filter(({ kind }) => kind === 'clean'))
    for (const { name, first, second } of rows) logs.set(name, [...(logs.get(name) ?? []), ...first, ...second]);
  const kept = [...logs].filter(([, values]) => values.length >= LEAST_PAIRS);
  return kept.map(([name, values]) => ({ name, logs: values, spread: standardDeviation(values) }));
}

/** `count` pairs out of a pool, with either side as the head, whose head takes `ratio` times as long. */
export function drawn({ logs }: Pool, count: number, ratio: number, random: () => number): number[] {
  const shift = Math.log(ratio);
  return Array.from({ length: count }, () => {
    const value = logs[Math.floor(random() * logs.length)];
    return shift + (random() < 0.5 ? value : -value);
  });
}

/** One replayed benchmark: what was found, by how many pairs of both stages. */
export interface Replayed {
  readonly found: boolean;
  readonly pairs: number;
}

/** Replays a benchmark of `pool` slowed by `ratio`, alone among clean ones. */
export function replay(pool: Pool, ratio: number, terms: Terms, seed: number): Replayed {
  const random = seededRandom(seed);
  const planned = drawn(pool, MOST_PAIRS, ratio, random);
  const screened = screen(planned, terms, seed);
  if (screened.state === 'open') return { found: false, pairs: planned.length };
  const first = planned.slice(0, screened.at.pairs);
  if (screened.state !== 'slower') return { found: false, pairs: first.length };
  const second = drawn(pool, confirmingPairs(screened.at, terms, 1), ratio, random);
  const [{ verdict }] = judge([{ name: pool.name, first, second, disturbed: 0 }], terms, seed);
  return { found: verdict === 'regressed', pairs: first.length + second.length };
}

/** Replays that take turns over the pools. */
export const replays = (pools: readonly Pool[], ratio: number, trials: number, terms: Terms, seed: number): Replayed[] =>
  Array.from({ length: pools.length === 0 ? 0 : trials }, (_, i) => replay(pools[i % pools.length], ratio, terms, seed + i));

/** Counts of pairs that intervals are tried with: those of the first looks. */
const COVERED_PAIRS = [10, 14, 20];

/** How many of so many intervals hold the ratio that was injected. */
export function coverage(pools: readonly Pool[], ratio: number, trials: number, terms: Terms, seed: number): number {
  let covered = 0;
  for (let i = 0; i < trials; i++) {
    const pairs = COVERED_PAIRS[Math.floor(i / pools.length) % COVERED_PAIRS.length];
    const logs = drawn(pools[i % pools.length], pairs, ratio, seededRandom(seed + i));
    const { low, high } = locationInterval(logs, terms.confidence, seed + i)!;
    if (low <= Math.log(ratio) && Math.log(ratio) <= high) covered++;
  }
  return covered;
}

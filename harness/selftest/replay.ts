// Replays: what the gate would have said of a slowdown that nobody made. Pairs that were recorded with both sides alike are drawn again, scaled by the slowdown, and
// judged by the gate's own code, both stages.
//
// Since both sides were the same code, which of them was called the head is arbitrary: a draw is a pair and a side. So the true ratio of what is drawn is exactly the
// one that was injected. That hides a difference between the sides, which is looked for in the recording itself (findings.ts).

import { seededRandom } from '../../kernels/random.ts';
import { confirmingPairs, EARLY_CONFIRMING, isClearEarly } from '../comparison/confirmation.ts';
import type { Terms } from '../comparison/estimate.ts';
import { locationInterval, standardDeviation } from '../comparison/location.ts';
import { MOST_PAIRS } from '../comparison/looks.ts';
import { isFlagged, screen } from '../comparison/screening.ts';
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

/** One replayed benchmark: whether a regression was found, and by how many pairs of each stage. */
export interface Replayed {
  readonly found: boolean;
  readonly first: number;
  readonly second: number;
}

/** Replays a benchmark of `pool` slowed by `ratio`, alone among clean ones. */
export function replay(pool: Pool, ratio: number, terms: Terms, seed: number): Replayed {
  const [one] = replayTogether([pool], ratio, terms, seed);
  return one;
}

/** Replays a run over benchmarks that are all slowed by `ratio`: what is flagged is confirmed and judged together. */
export function replayTogether(pools: readonly Pool[], ratio: number, terms: Terms, seed: number): Replayed[] {
  const random = seededRandom(seed);
  const started = pools.map((pool, i) => {
    const planned = drawn(pool, MOST_PAIRS, ratio, random);
    return { pool, planned, screened: screen(planned, terms, seed + i) };
  });
  const flagged = started.flatMap(({ pool, planned, screened }) => (isFlagged(screened) ? [{ pool, planned, screened }] : []));
  const confirmed = flagged.map(({ pool, planned, screened: { state, pairs, at } }) => {
    const all = drawn(pool, confirmingPairs(at, terms, flagged.length), ratio, random);
    const early = all.slice(0, EARLY_CONFIRMING);
    const second = isClearEarly(early, state, flagged.length, terms) ? early : all;
    return { name: pool.name, first: planned.slice(0, pairs), second, disturbed: 0 };
  });
  const regressed = new Set(judge(confirmed, terms, seed).flatMap(({ name, verdict }) => (verdict === 'regressed' ? [name] : [])));
  return started.map(({ pool, screened }) => ({
    found: regressed.has(pool.name),
    first: screened.state === 'open' ? MOST_PAIRS : screened.pairs,
    second: confirmed.find(({ name }) => name === pool.name)?.second.length ?? 0,
  }));
}

/** What pairs cost. */
export interface Pace {
  /** Seconds of a pair of one benchmark in a run of the whole suite. */
  readonly pair: number;
  /** Seconds that starting both processes takes: all of it falls to those benchmarks that are still open. */
  readonly start: number;
}

/** A slow benchmark among clean ones. */
export interface SlowedSuite {
  /** Whether it was called regressed, and before the budget ended. */
  readonly found: boolean;
  /** Seconds of the whole run over the number of benchmarks. */
  readonly amortised: number;
}

/** What a run of the suite may take, as the gate does it. */
export interface Allowance extends Pace {
  /** Seconds of budget for each benchmark of the suite, and the share of it that is kept for the second stage. */
  readonly limit: number;
  readonly secondShare: number;
}

/**
 * Replays of the suite in which one benchmark, in turn each of `slow`, takes `ratio` times as long. `clean` has the pairs that each benchmark took in replays
 * without a slowdown. A fork costs its start and a pair of every benchmark that is still open; the first stage ends when all are decided or its budget is spent.
 */
export function slowedSuites(
  slow: readonly Pool[],
  clean: ReadonlyMap<string, readonly number[]>,
  ratio: number,
  trials: number,
  { pair, start, limit, secondShare }: Allowance,
  terms: Terms,
  seed: number,
): SlowedSuite[] {
  const marginal = pair - start / clean.size;
  const budget = limit * clean.size;
  return Array.from({ length: slow.length === 0 ? 0 : trials }, (_, i) => {
    const pool = slow[i % slow.length];
    const { found, first, second } = replay(pool, ratio, terms, seed + i);
    const counts = [...clean].map(([name, known]) => (name === pool.name ? first : known[i % known.length]));
    let [spent, fork] = [0, 0];
    for (; counts.some((count) => count > fork); fork++) {
      const next = start + marginal * counts.filter((count) => count > fork).length;
      if (spent + next > budget * (1 - secondShare)) break;
      spent += next;
    }
    const confirming = second * (marginal + start);
    return { found: found && first <= fork && spent + confirming <= budget, amortised: (spent + confirming) / clean.size };
  });
}

/** Replays of the suite with both sides alike. */
export interface CleanSuites {
  readonly alarms: number;
  /** Pairs that each benchmark took, by name. */
  readonly pairs: ReadonlyMap<string, readonly number[]>;
}

export function cleanSuites(pools: readonly Pool[], trials: number, terms: Terms, seed: number): CleanSuites {
  const pairs = new Map<string, number[]>(pools.map(({ name }) => [name, []]));
  let alarms = 0;
  for (let trial = 0; trial < trials; trial++) {
    const all = replayTogether(pools, 1, terms, seed + trial * pools.length);
    if (all.some(({ found }) => found)) alarms++;
    all.forEach(({ first, second }, i) => pairs.get(pools[i].name)!.push(first + second));
  }
  return { alarms, pairs };
}

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

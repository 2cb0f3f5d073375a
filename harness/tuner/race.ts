// A race takes samples of candidates in rounds, each in every round and in random order beside the live leaders, so that a drifting clock hits all alike.
// Whoever falls too far behind leaves early (successive elimination; the rules are those of tinygrad's search and of CubeCL's tuner).
//
// Pure logic: what samples are, the caller says; it is asked for those of a whole round at once, since each question costs as much as a tenth of a sample.

import { balancedOrders } from '../order.ts';
import type { Failure } from '../protocol.ts';
import { quantile } from '../statistics.ts';

/** A candidate in a race, with what was measured of it there, in nanoseconds a call. */
export interface Contender {
  readonly id: string;
  readonly times: number[];
  /** Calls that each of its samples spans, once that is known. */
  iterations?: number;
  /** Why it left before the last round. */
  out?: 'first sample' | 'too slow';
  failure?: Failure;
}

export const contender = (id: string): Contender => ({ id, times: [] });

export interface RaceRules {
  /** Samples of those that stay to the end. */
  readonly rounds: number;
  /** From the second sample on, a best of so many times the leader's drops a candidate: one sample may have been disturbed. */
  readonly firstLimit: number;
  /** From so many samples on, a best of so many times the leader's does. */
  readonly after: number;
  readonly slowLimit: number;
  /** At least so many stay. */
  readonly keep: number;
}

export const RACE: RaceRules = { rounds: 5, firstLimit: 3, after: 3, slowLimit: 1.5, keep: 2 };

/**
 * What samples of one race say of a contender: their lower quartile. Two threads that the system puts on one core for some milliseconds take four times as
 * long, and where that hits every other sample a median is of either state.
 */
export const calm = (times: readonly number[]): number => quantile(times, 0.25);

const bestOf = ({ times }: Contender): number => Math.min(...times);

/** Contenders that can still win. */
export const isLive = ({ out, failure }: Contender): boolean => out === undefined && failure === undefined;

/** Nanoseconds of one call of each, taken in this order, or why there are none. */
export type TakeRound = (ids: readonly string[]) => Promise<readonly (number | Failure)[]>;

/** Races `newcomers` beside `leaders`, who never leave. A failure ends the contender that it was of. Ends early where `ends` says so, between rounds. */
export async function race(
  newcomers: readonly Contender[],
  leaders: readonly Contender[],
  rules: RaceRules,
  { takeRound, random, ends }: { takeRound: TakeRound; random: () => number; ends: () => boolean },
): Promise<void> {
  const all = [...newcomers, ...leaders];
  const orders = balancedOrders(all, random);
  for (let round = 1; round <= rules.rounds; round++) {
    if (!newcomers.some(isLive) || ends()) return;
    const order = orders.next().value.filter(isLive);
    const taken = await takeRound(order.map(({ id }) => id));
    for (const [i, one] of order.entries()) enter(one, taken[i]);
    drop(newcomers, all, round, rules);
  }
}

function enter(one: Contender, taken: number | Failure): void {
  if (typeof taken === 'number') one.times.push(taken);
  else one.failure = taken;
}

/** Lets the slow leave, the slowest first, while enough stay. */
function drop(newcomers: readonly Contender[], all: readonly Contender[], round: number, rules: RaceRules): void {
  const live = all.filter((one) => isLive(one) && one.times.length > 0);
  if (live.length === 0) return;
  const best = Math.min(...live.map(bestOf));
  if (round < Math.min(2, rules.after)) return;
  const [limit, why] = round >= rules.after ? ([rules.slowLimit, 'too slow'] as const) : ([rules.firstLimit, 'first sample'] as const);
  const slow = newcomers.filter((one) => isLive(one) && one.times.length > 0 && bestOf(one) > limit * best);
  let left = live.length;
  for (const one of slow.sort((a, b) => bestOf(b) - bestOf(a))) {
    if (left <= rules.keep) return;
    one.out = why;
    left--;
  }
}

/**
 * How much slower the machine was in a race than where the leaders' own figures come from: the least, over leaders, of their times now to those; 1 where there
 * are none. What it was is divided out of the newcomers' times; a leader whose figure was luck must not make it larger.
 */
export function driftOf(leaders: readonly Contender[], usualNs: (id: string) => number | undefined): number {
  const ratios = leaders.flatMap(({ id, times }) => {
    const usual = usualNs(id);
    return usual === undefined || times.length === 0 ? [] : [calm(times) / usual];
  });
  return ratios.length === 0 ? 1 : Math.min(...ratios);
}

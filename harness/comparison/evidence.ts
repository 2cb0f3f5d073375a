// From samples to evidence: one number per pair of processes and benchmark, the mean over its clean rounds of ln(head / base).
//
// Arms of a gate are named by their side: `base:ours@cpu/2` and `head:ours@cpu/2` are one benchmark. Forks below MOST_PAIRS belong to the first stage, later
// ones to the second, so that the file of samples alone tells the story.

import type { Sample } from '../record.ts';
import { median } from '../statistics.ts';
import { MOST_PAIRS } from './looks.ts';
import type { Evidence, ReasonCode } from './verdict.ts';

export type Side = 'base' | 'head';

/** The fork from which on samples belong to the second stage. */
export const SECOND_STAGE = MOST_PAIRS;

/** The arm of one side. */
export const armOfSide = (side: Side, arm: string): string => `${side}:${arm}`;

/** The benchmark that an arm of a gate belongs to, or undefined for other arms. */
export function sideOf(arm: string): { side: Side; arm: string } | undefined {
  const match = /^(base|head):(.+)$/s.exec(arm);
  return match ? { side: match[1] as Side, arm: match[2] } : undefined;
}

/** A case and an arm, whichever side. */
export interface Benchmark {
  readonly suite: string;
  readonly case: string;
  readonly arm: string;
}

export const benchmarkName = ({ case: name, arm }: Pick<Benchmark, 'case' | 'arm'>): string => `${name} ${arm}`;

/** Why a benchmark cannot be judged. */
export interface Impediment extends Benchmark {
  readonly code: ReasonCode;
  readonly detail: string;
}

/** What was measured of one benchmark. */
export interface Measured {
  readonly benchmark: Benchmark;
  readonly evidence: Evidence;
  /** Median nanoseconds of a call on each side, over the pairs that the verdict is of; undefined without any. */
  readonly base?: number;
  readonly head?: number;
}

interface Round {
  base?: Sample;
  head?: Sample;
}

/** The rounds of each fork of a benchmark. */
type Forks = Map<number, Map<number, Round>>;

/** Sorts the samples of a gate by benchmark, in the order of `benchmarks`, and sums up each fork. */
export function gather(
  benchmarks: readonly Benchmark[],
  samples: readonly Sample[],
  impediments: readonly Impediment[],
  pairSeconds?: number,
): Measured[] {
  const forks = new Map<string, Forks>(benchmarks.map((one) => [benchmarkName(one), new Map()]));
  for (const sample of samples) {
    const found = sample.metric === 'time' ? sideOf(sample.arm) : undefined;
    const rounds = found && forks.get(benchmarkName({ case: sample.case, arm: found.arm }));
    if (!rounds) continue;
    const fork = entryOf(rounds, sample.fork, () => new Map<number, Round>());
    entryOf(fork, sample.round, (): Round => ({}))[found.side] = sample;
  }
  return benchmarks.map((benchmark) => {
    const name = benchmarkName(benchmark);
    const impediment = impediments.find((one) => benchmarkName(one) === name);
    return measured(benchmark, forks.get(name)!, impediment, pairSeconds);
  });
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function measured(benchmark: Benchmark, forks: Forks, impediment: Impediment | undefined, pairSeconds?: number): Measured {
  const inOrder = [...forks].sort(([a], [b]) => a - b).map(([fork, rounds]) => ({ fork, ...cleanRounds([...rounds.values()]) }));
  const kept = inOrder.filter(({ clean }) => clean.length > 0);
  const [first, second] = [kept.filter(({ fork }) => fork < SECOND_STAGE), kept.filter(({ fork }) => fork >= SECOND_STAGE)];
  const all = inOrder.reduce((sum, { whole }) => sum + whole, 0);
  const clean = kept.reduce((sum, one) => sum + one.clean.length, 0);
  const shown = (second.length > 0 ? second : first).flatMap((fork) => fork.clean);
  return {
    benchmark,
    evidence: {
      name: benchmarkName(benchmark),
      first: first.map(meanLog),
      second: second.map(meanLog),
      invalid: impediment && { code: impediment.code, detail: impediment.detail },
      disturbed: all === 0 ? 0 : 1 - clean / all,
      pairSeconds,
    },
    base: shown.length > 0 ? median(shown.map(({ base }) => base)) : undefined,
    head: shown.length > 0 ? median(shown.map(({ head }) => head)) : undefined,
  };
}

/** Rounds that both sides have, and those of them that nothing disturbed: a round is dropped for both sides or for none. */
function cleanRounds(rounds: readonly Round[]): { whole: number; clean: { base: number; head: number }[] } {
  const whole = rounds.filter((round): round is Required<Round> => round.base !== undefined && round.head !== undefined);
  const clean = whole.filter(({ base, head }) => !base.dropped && !head.dropped);
  return { whole: whole.length, clean: clean.map(({ base, head }) => ({ base: base.value, head: head.value })) };
}

const meanLog = ({ clean }: { clean: readonly { base: number; head: number }[] }): number =>
  clean.reduce((sum, { base, head }) => sum + Math.log(head / base), 0) / clean.length;

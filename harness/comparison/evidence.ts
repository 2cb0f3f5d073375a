// From samples to evidence: one number per pair of processes and benchmark, ln(head / base) of the fastest clean round of each side.
//
// What disturbs a round on a shared machine makes it slower, never faster, so the fastest of a few says most of the code (Chen and Revels 2016, "Robust benchmarking
// in noisy environments"). Means of four rounds scattered four times as much between pairs (docs/results/2026-11-25-xeon/selftest.md). Both sides have the same
// rounds, so none is favoured.
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
  /** Nanoseconds of a call on each side, in the fastest round of each pair: the median over the pairs that the verdict is of; undefined without any. */
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
  const shown = (second.length > 0 ? second : first).map(fastest);
  return {
    benchmark,
    evidence: {
      name: benchmarkName(benchmark),
      first: first.map(logRatio),
      second: second.map(logRatio),
      invalid: impediment && { code: impediment.code, detail: impediment.detail },
      disturbed: all === 0 ? 0 : 1 - clean / all,
      disturbance: mostOften(inOrder.flatMap(({ reasons }) => reasons)),
      pairSeconds,
    },
    base: shown.length > 0 ? median(shown.map(({ base }) => base)) : undefined,
    head: shown.length > 0 ? median(shown.map(({ head }) => head)) : undefined,
  };
}

/** Rounds that both sides have, and those of them that nothing disturbed: a round is dropped for both sides or for none. */
function cleanRounds(rounds: readonly Round[]): { whole: number; clean: { base: number; head: number }[]; reasons: string[] } {
  const whole = rounds.filter((round): round is Required<Round> => round.base !== undefined && round.head !== undefined);
  const clean = whole.filter(({ base, head }) => !base.dropped && !head.dropped);
  const reasons = whole.flatMap(({ base, head }) => (base.dropped ? base.reason : head.dropped ? head.reason : undefined) ?? []);
  return { whole: whole.length, clean: clean.map(({ base, head }) => ({ base: base.value, head: head.value })), reasons };
}

/** The reason that came most often, whatever its figures, in the words of the first. */
function mostOften(reasons: readonly string[]): string | undefined {
  const kinds = [...Map.groupBy(reasons, (reason) => reason.replaceAll(/\d+(\.\d+)?/g, '#')).values()];
  return kinds.sort((a, b) => b.length - a.length)[0]?.[0];
}

/** The fastest round of each side. */
const fastest = ({ clean }: { clean: readonly { base: number; head: number }[] }): { base: number; head: number } => ({
  base: Math.min(...clean.map(({ base }) => base)),
  head: Math.min(...clean.map(({ head }) => head)),
});

function logRatio(fork: Parameters<typeof fastest>[0]): number {
  const { base, head } = fastest(fork);
  return Math.log(head / base);
}

// What was asked of the gate beside what was measured of it here: a row for each, out of a recording.

import { seededRandom } from '../../kernels/random.ts';
import { LOOKS } from '../comparison/looks.ts';
import { judge, MOST_DISTURBED } from '../comparison/verdict.ts';
import { SECOND_SHARE } from '../gate.ts';
import { median, quantile } from '../statistics.ts';
import { lowerBound, upperBound } from './bounds.ts';
import type { Overhead } from './overhead.ts';
import { evidenceOf, type Recording, type Trial, type TrialKind } from './recording.ts';
import { type CleanSuites, cleanSuites, coverage, type Pace, type Pool, poolsOf, type Replayed, replay, slowedSuites } from './replay.ts';

export interface Finding {
  readonly what: string;
  readonly asked: string;
  readonly measured: string;
  /** Absent where nothing was asked, or nothing measured. */
  readonly met?: boolean;
}

/** Benchmarks whose pairs scatter alike: above `over`, up to `to`. */
interface SpreadClass {
  readonly title: string;
  readonly over: number;
  readonly to: number;
  /** Seconds a benchmark in which 5 % is to be found. */
  readonly seconds: number;
}

const CLASSES: readonly SpreadClass[] = [
  { title: 'spread of pairs at most 3 %', over: 0, to: 0.03, seconds: 10 },
  { title: 'spread of pairs 3 to 5 %', over: 0.03, to: 0.05, seconds: 15 },
];
const INJECTED = 1.05;
/** Seconds that starting the processes of both sides takes, where the whole of a suite does not share them. */
const START_S = 0.6;

/** How often things are replayed: a slowdown in a class, an interval, each benchmark beside a slowdown that was really made. */
export interface Effort {
  readonly power: number;
  readonly suites: number;
  readonly coverage: number;
  readonly agreement: number;
}
const EFFORT: Effort = { power: 200, suites: 300, coverage: 1000, agreement: 20 };

const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;

/** Verdicts of a trial, as `bench ci` would give them. */
const judged = (trial: Trial, { header }: Recording) => judge(evidenceOf(trial), header.terms, trial.seed);

const ofKind = ({ trials }: Recording, kind: TrialKind): readonly Trial[] => trials.filter((trial) => trial.kind === kind);

/** All rows; replays are seeded by the recording's seed, so the same recording gives the same rows. */
export function findingsOf(recording: Recording, effort = EFFORT): Finding[] {
  const pools = poolsOf(recording.trials);
  const clean = cleanSuites(pools, effort.suites, recording.header.terms, recording.header.seed);
  return [
    ...falseAlarms(recording),
    replayedAlarms(clean, pools, effort.suites),
    bias(recording),
    ...CLASSES.flatMap((one) => power(recording, pools, clean, one, effort.power)),
    loud(pools),
    agreement(recording, pools, effort.agreement),
    intervals(recording, pools, effort.coverage),
    hogged(recording),
    ...(recording.overhead ? overheadRows(recording.overhead) : []),
  ];
}

/** Whether every benchmark of a run could have been called regressed: one that ended before the first look, or was too disturbed, can raise no alarm, and must not count as silent. */
const couldBeJudged = ({ rows }: Trial): boolean =>
  rows.every(({ first, invalid, disturbed }) => invalid || (first.length >= LOOKS[0] && disturbed <= MOST_DISTURBED));

function falseAlarms(recording: Recording): Finding[] {
  const clean = ofKind(recording, 'clean');
  const judgeable = clean.filter(couldBeJudged);
  const early =
    clean.length === judgeable.length ? '' : `; ${clean.length - judgeable.length} more had a benchmark that could not be judged`;
  const verdicts = judgeable.map((trial) => judged(trial, recording).map(({ verdict }) => verdict));
  const alarms = verdicts.filter((list) => list.includes('regressed')).length;
  const improved = verdicts.filter((list) => list.includes('improved')).length;
  const all = verdicts.flat();
  const equivalent = all.filter((verdict) => verdict === 'equivalent').length;
  const bound = percent(upperBound(alarms, judgeable.length));
  return [
    {
      what: 'runs of the suite, both sides alike, with a false alarm',
      asked: 'none',
      measured:
        judgeable.length === 0
          ? `no run${early}`
          : `${alarms} of ${judgeable.length}, so at most ${bound} (95 %); ${improved} with an "improved"${early}`,
      met: judgeable.length === 0 ? undefined : alarms === 0,
    },
    {
      what: 'the same, benchmark by benchmark',
      asked: '',
      measured:
        judgeable.length === 0
          ? ''
          : `${all.filter((verdict) => verdict === 'regressed').length} of ${all.length} regressed, ${percent(equivalent / all.length, 0)} equivalent`,
    },
    {
      what: 'seconds of a run of the suite',
      asked: 'at most 300',
      measured:
        clean.length === 0
          ? 'no run'
          : `${lengths(clean)} benchmarks: median ${median(clean.map(({ seconds }) => seconds)).toFixed(0)}, longest ${Math.max(...clean.map(({ seconds }) => seconds)).toFixed(0)}; ${median(pairSecondsOf(clean)).toFixed(2)} s a pair; the budget ended ${clean.filter(({ exhausted }) => exhausted).length} early`,
      met: clean.length === 0 ? undefined : clean.every(({ seconds }) => seconds <= 300),
    },
  ];
}

/** How many benchmarks the runs have: `5 or 30`. */
const lengths = (trials: readonly Trial[]): string =>
  [...new Set(trials.map(({ rows }) => rows.length))].sort((a, b) => a - b).join(' or ');

const pairSecondsOf = (trials: readonly Trial[]): number[] => trials.flatMap(({ pairSeconds }) => pairSeconds ?? []);

/** Whether one side is faster although both are the same code: the mean over all pairs, with runs as what replicates. */
function bias(recording: Recording): Finding {
  const means = ofKind(recording, 'clean').map(({ rows }) => meanOf(rows.flatMap(({ first, second }) => [...first, ...second])));
  const what = 'head against base, both sides alike';
  if (means.length < 3) return { what, asked: '', measured: means.length === 0 ? 'no run' : percent(Math.expm1(meanOf(means)), 2) };
  const random = seededRandom(recording.header.seed);
  const draws = Array.from({ length: 2000 }, () => meanOf(means.map(() => means[Math.floor(random() * means.length)])));
  const [low, high] = [quantile(draws, 0.025), quantile(draws, 0.975)].map((value) => percent(Math.expm1(value), 2));
  return { what, asked: '', measured: `${percent(Math.expm1(meanOf(means)), 2)} [${low}, ${high}]` };
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** What the recorded runs of the longest suite took for a pair, and what starting two processes takes of it. */
function paceOf(recording: Recording): Pace {
  const clean = ofKind(recording, 'clean');
  const most = Math.max(...clean.map(({ rows }) => rows.length));
  return { pair: median(pairSecondsOf(clean.filter(({ rows }) => rows.length === most))), start: START_S };
}

function power(recording: Recording, pools: readonly Pool[], clean: CleanSuites, one: SpreadClass, count: number): Finding[] {
  const { title, over, to, seconds } = one;
  const members = pools.filter(({ spread }) => spread > over && spread <= to);
  const { terms, seed } = recording.header;
  return (
    [
      [INJECTED, 0.95, seconds],
      [1.1, 0.99, 5],
    ] as const
  ).map(([ratio, wanted, limit]): Finding => {
    const what = `${percent(ratio - 1, 0)} slowdown, ${title}`;
    const asked = `at least ${percent(wanted, 0)} within ${limit} s a benchmark`;
    if (members.length === 0) return { what, asked, measured: 'no such benchmark here' };
    const allowance = { ...paceOf(recording), limit, secondShare: SECOND_SHARE };
    const trials = slowedSuites(members, clean.pairs, ratio, count, allowance, terms, seed);
    const found = shareFound(trials);
    return {
      what: `${what} (${members.length} benchmarks)`,
      asked,
      measured: `${percent(found)} of ${trials.length} within such a budget, ${meanOf(trials.map(({ amortised }) => amortised)).toFixed(1)} s spent`,
      met: found >= wanted,
    };
  });
}

/** Whole runs of the suite with both sides alike, out of recorded pairs. */
function replayedAlarms({ alarms }: CleanSuites, pools: readonly Pool[], count: number): Finding {
  const what = `replayed runs of the suite (${pools.length} benchmarks), both sides alike, with a false alarm`;
  const asked = 'at most 1 %';
  if (pools.length === 0) return { what, asked, measured: 'too few pairs' };
  const measured = `${alarms} of ${count}, so at most ${percent(upperBound(alarms, count))} (95 %)`;
  return { what, asked, measured, met: alarms <= count / 100 };
}

function loud(pools: readonly Pool[]): Finding {
  const spreads = pools.map(({ spread }) => spread);
  const above = spreads.filter((spread) => spread > CLASSES[CLASSES.length - 1].to).length;
  return {
    what: 'spread of pairs',
    asked: '',
    measured:
      spreads.length === 0
        ? 'too few pairs'
        : `median ${percent(median(spreads))}, from ${percent(Math.min(...spreads))} to ${percent(Math.max(...spreads))}; ${above} of ${spreads.length} benchmarks above 5 %`,
  };
}

/** Slowdowns that were really made, beside replays of the same benchmarks. */
function agreement(recording: Recording, pools: readonly Pool[], count: number): Finding {
  const slowed = ofKind(recording, 'slowed');
  const what = '1 extra call in 20, really made';
  const asked = 'as replayed';
  if (slowed.length === 0) return { what, asked, measured: 'not tried' };
  const { terms, seed } = recording.header;
  const known = new Map(pools.map((pool) => [pool.name, pool]));
  const real = slowed.flatMap((trial) => judged(trial, recording).filter(({ name }) => known.has(name)));
  const found = real.filter(({ verdict }) => verdict === 'regressed').length;
  const expected = meanOf(
    real.map(({ name }, i) =>
      shareFound(Array.from({ length: count }, (_, k) => replay(known.get(name)!, INJECTED, terms, seed + 1000 * i + k))),
    ),
  );
  const ratios = real.flatMap(({ estimate }) => estimate?.ratio ?? []);
  const [low, high] = [lowerBound(found, real.length, 0.975), upperBound(found, real.length, 0.975)];
  return {
    what,
    asked,
    measured: `${found} of ${real.length} found [${percent(low, 0)}, ${percent(high, 0)}], ${percent(expected, 0)} of replays; median ratio ${median(ratios).toFixed(3)}`,
    met: real.length === 0 ? undefined : low <= expected && expected <= high,
  };
}

const shareFound = (trials: readonly Pick<Replayed, 'found'>[]): number => trials.filter(({ found }) => found).length / trials.length;

function intervals({ header }: Recording, pools: readonly Pool[], count: number): Finding {
  const what = `95 % interval against the injected ratio, ${count} replays`;
  const asked = 'covers it in 93 to 97 %';
  if (pools.length === 0) return { what, asked, measured: 'too few pairs' };
  const share = coverage(pools, INJECTED, count, header.terms, header.seed) / count;
  return { what, asked, measured: percent(share), met: share >= 0.93 && share <= 0.97 };
}

function hogged(recording: Recording): Finding {
  const trials = ofKind(recording, 'hogged');
  const verdicts = trials.flatMap((trial) => judged(trial, recording));
  const regressed = verdicts.filter(({ verdict }) => verdict === 'regressed').length;
  const disturbed = trials.flatMap(({ rows }) => rows.map((row) => row.disturbed));
  return {
    what: 'a CPU hog that runs only while the head does',
    asked: 'no "regressed"',
    measured:
      verdicts.length === 0
        ? 'not tried'
        : `${regressed} of ${verdicts.length} regressed; ${percent(median(disturbed), 0)} of rounds disturbed (median)`,
    met: verdicts.length === 0 ? undefined : regressed === 0,
  };
}

const overheadRows = ({ taskNs, share, emptyNs }: Overhead): Finding[] => [
  {
    what: `overhead of measuring a task of ${(taskNs / 1e3).toFixed(1)} µs`,
    asked: 'at most 1 %',
    measured: percent(share, 2),
    met: share <= 0.01,
  },
  { what: 'what a call that does nothing is told to take', asked: 'at most 5 ns', measured: `${emptyNs.toFixed(1)} ns`, met: emptyNs <= 5 },
];

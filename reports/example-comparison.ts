// A small comparison with one row of every kind: what the writers' tests write, and the page's.

import type { Compared, Comparison } from '../harness/comparison/document.ts';
import type { Sample, Summary } from '../harness/record.ts';
import { fast, run, sample } from './example.ts';
import type { Results } from './schema.ts';

const LOGS = [0.066, 0.069, 0.071];

const regressed: Compared = {
  suite: 'gate',
  case: 'gate/a',
  arm: 'ours@cpu/2',
  arm_base: 'base:ours@cpu/2',
  arm_head: 'head:ours@cpu/2',
  metric: 'time',
  unit: 'ns',
  base: 1000,
  head: 1071,
  ratio: 1.071,
  ci_low: 1.052,
  ci_high: 1.09,
  p_adjusted: 0.0001,
  smallest_detectable: 0.03,
  verdict: 'regressed',
  code: 'confirmed',
  reason: '+7.1 % [5.2, 9.0] in fresh processes, p 0.00010',
  pairs: LOGS.length,
  deviation: 0.0025,
  logs: LOGS,
};

const blank = { ratio: undefined, ci_low: undefined, ci_high: undefined, p_adjusted: undefined, head: undefined, pairs: 0, logs: [] };

const rows: readonly Compared[] = [
  {
    ...regressed,
    case: 'gate/b',
    ratio: 1.001,
    ci_low: 0.995,
    ci_high: 1.006,
    verdict: 'equivalent',
    code: 'within-margin',
    reason: '+0.1 % [-0.5, 0.6], within 2.0 %',
  },
  regressed,
  {
    ...regressed,
    case: 'gate/c',
    ratio: 1.03,
    ci_low: 0.9,
    ci_high: 1.2,
    verdict: 'inconclusive',
    code: 'too-noisy',
    reason: '+3.0 % [-10.0, 20.0]; a change of 12 % would have been seen',
  },
  { ...regressed, ...blank, case: 'gate/d', verdict: 'invalid', code: 'wrong', reason: 'C[3] is NaN' },
  { ...regressed, ...blank, case: 'gate/e', verdict: 'invalid', code: 'failed', reason: 'head: it threw' },
  { ...regressed, ...blank, case: 'gate/f', verdict: 'invalid', code: 'head-only', reason: 'the base does not have it' },
];

/** Both sides of a row as rows of the summary. */
const summariesOf = ({ suite, case: name, arm_base, arm_head, base, head }: Compared): Summary[] =>
  (
    [
      [arm_base, base],
      [arm_head, head],
    ] as const
  ).flatMap(([arm, ns]) =>
    ns === undefined
      ? []
      : [
          {
            ...fast,
            suite,
            case: name,
            arm,
            kernel: undefined,
            tunables: undefined,
            median_ns: ns,
            ci_low_ns: ns * 0.99,
            ci_high_ns: ns * 1.01,
          },
        ],
  );

/** A round of each of its pairs, after those of a first stage that does not count. */
const samplesOf = ({ suite, case: name, arm_base, arm_head, base = 1000, logs }: Compared): Sample[] =>
  [0.2, ...logs].flatMap((log, fork) =>
    (
      [
        [arm_base, base],
        [arm_head, base * Math.exp(log)],
      ] as const
    ).map(([arm, value], slot) => ({ ...sample, suite, case: name, arm, fork, round: 0, slot, value, kernel: undefined })),
  );

const comparisonOf = (own: readonly Compared[]): Comparison => ({
  comparisonVersion: 1,
  kind: 'ci',
  run_id: run.run_id,
  time_utc: run.started_utc,
  base: { ref: 'main', sha: '0123abcd' },
  head: { ref: 'HEAD', sha: '4567cdef', dirty: false },
  terms: { margin: 0.02, screenAlpha: 0.05, confirmAlpha: 0.001, equivalenceAlpha: 0.05, confidence: 0.95, power: 0.95 },
  seed: 1,
  rows: own,
  counts: Object.fromEntries([...Map.groupBy(own, ({ verdict }) => verdict)].map(([verdict, { length }]) => [verdict, length])),
  warnings: [],
});

const resultsOf = (own: readonly Compared[]): Results => ({
  run: { ...run, command: ['ci', '--base', 'main'] },
  summaries: own.flatMap(summariesOf),
  samples: own.flatMap(samplesOf),
  comparison: comparisonOf(own),
});

export const comparisonResults: Results = resultsOf(rows);
/** A comparison of nothing. */
export const nothing: Results = resultsOf([]);
/** Regressions of benchmarks with these names. */
export const withNames = (names: readonly string[]): Results =>
  resultsOf(names.map((name) => ({ ...regressed, case: name, reason: `slower: ${name}` })));
/** So many regressions, without samples. */
export const plentyOf = (count: number): Results => {
  const own = Array.from({ length: count }, (_, i) => ({ ...regressed, case: `gate/benchmark-${i}` }));
  return { ...resultsOf([]), comparison: comparisonOf(own) };
};

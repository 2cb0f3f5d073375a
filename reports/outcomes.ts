// Outcomes: what each row came to in the few words that CI systems know, for a run and for a comparison alike.
//
//   failure   it is slower, or its numbers are wrong       error     it could not be measured
//   skipped   nothing was decided, or nothing to compare   passed    the rest
//
// Nothing here makes a build red: that is the exit code, which follows from the same rows.

import type { Compared } from '../harness/comparison/document.ts';
import type { Summary } from '../harness/record.ts';
import { bySeverity, changeWithInterval, headline } from './comparison-words.ts';
import { duration } from './format.ts';
import type { Results } from './schema.ts';

export interface Outcome {
  readonly suite: string;
  readonly case: string;
  readonly arm: string;
  readonly state: 'passed' | 'failure' | 'error' | 'skipped';
  /** Why, as a word: `PerformanceRegression`, `WrongResult`, `timeout`, `too-noisy`. */
  readonly type: string;
  /** The grounds in a line. */
  readonly message: string;
  /** Nanoseconds of a call. */
  readonly ns?: number;
}

/** One side alone has the benchmark: a benchmark that is new or gone is no fault. */
const ONE_SIDED: readonly Compared['code'][] = ['base-only', 'head-only'];

function comparedOutcome(row: Compared): Outcome {
  const change = changeWithInterval(row);
  const said = row.reason.startsWith(change) ? row.reason : [change, row.reason].filter(Boolean).join('; ');
  const known = { suite: row.suite, case: row.case, arm: row.arm, ns: row.head, message: said };
  if (row.verdict === 'regressed') return { ...known, state: 'failure', type: 'PerformanceRegression' };
  if (row.code === 'wrong') return { ...known, state: 'failure', type: 'WrongResult' };
  if (row.verdict === 'invalid') return { ...known, state: ONE_SIDED.includes(row.code) ? 'skipped' : 'error', type: row.code };
  return {
    ...known,
    state: row.verdict === 'inconclusive' ? 'skipped' : 'passed',
    type: row.verdict === 'improved' ? 'improved' : row.code,
  };
}

function measuredOutcome(row: Summary): Outcome {
  const { suite, case: name, arm, status, reason = '', median_ns } = row;
  const known = { suite, case: name, arm, ns: median_ns, type: status };
  switch (status) {
    case 'ok':
    case 'slow':
      return {
        ...known,
        state: 'passed',
        message: [median_ns === undefined ? '' : duration(median_ns), reason].filter(Boolean).join('; '),
      };
    case 'wrong':
      return { ...known, state: 'failure', type: 'WrongResult', message: reason || 'its numbers are wrong' };
    case 'skipped':
      return { ...known, state: 'skipped', message: reason || status };
    default:
      return { ...known, state: 'error', message: reason || status };
  }
}

/** The outcome of every row; of a comparison the gravest first. */
export const outcomesOf = ({ summaries, comparison }: Pick<Results, 'summaries' | 'comparison'>): Outcome[] =>
  comparison ? bySeverity(comparison.rows).map(comparedOutcome) : summaries.map(measuredOutcome);

/** What all rows come to. */
export function outcomeCounts({ summaries, comparison }: Pick<Results, 'summaries' | 'comparison'>): string {
  if (comparison) return headline(comparison);
  if (summaries.length === 0) return 'nothing was measured';
  const statuses = Map.groupBy(summaries, ({ status }) => status);
  const counts = (['failed', 'wrong', 'timeout', 'ok', 'slow', 'skipped'] as const).flatMap((status) =>
    statuses.has(status) ? `${statuses.get(status)!.length} ${status}` : [],
  );
  return counts.join(', ');
}

/** The same as a sentence that stands for itself. */
export const outcomeHeadline = (results: Pick<Results, 'run' | 'summaries' | 'comparison'>): string =>
  results.comparison ? outcomeCounts(results) : `bench ${results.run.command.join(' ')}: ${outcomeCounts(results)}`;

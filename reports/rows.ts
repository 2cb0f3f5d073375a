// The rows of a results document as other programs take them: one figure a case and arm, whether a run or a comparison measured it.

import type { Sample, Summary } from '../harness/record.ts';
import { median } from './quantile.ts';
import type { Results } from './schema.ts';

/** One name for a case and an arm: what dashboards follow over time. */
export const rowName = ({ case: name, arm }: { readonly case: string; readonly arm: string }): string => `${name} ${arm}`;

export const isMeasured = ({ status, median_ns }: Summary): boolean =>
  (status === 'ok' || status === 'slow') && median_ns !== undefined && median_ns > 0;

/** The rows that have a time. Of a gate those of the head, under the name that both sides have: what a dashboard is to keep. */
export function currentRows({ summaries, comparison }: Pick<Results, 'summaries' | 'comparison'>): Summary[] {
  const measured = summaries.filter(isMeasured);
  if (comparison?.kind !== 'ci') return measured;
  const names = new Map(comparison.rows.map(({ suite, case: name, arm_head, arm }) => [JSON.stringify([suite, name, arm_head]), arm]));
  return measured.flatMap((row) => {
    const arm = names.get(JSON.stringify([row.suite, row.case, row.arm]));
    return arm === undefined ? [] : [{ ...row, arm }];
  });
}

/** What one fresh process measured of a row. */
export interface Fork {
  readonly fork: number;
  /** Median of its clean samples: nanoseconds of a call. */
  readonly ns: number;
  /** Calls that they span. */
  readonly calls: number;
}

/** The forks of every case and arm, by `sampleKey`, in order. Disturbed samples are left out. */
export function forksByRow(samples: readonly Sample[]): Map<string, Fork[]> {
  const rows = new Map<string, Map<number, Sample[]>>();
  for (const sample of samples) {
    if (sample.metric !== 'time' || sample.unit !== 'ns' || sample.dropped) continue;
    const key = sampleKey(sample);
    let forks = rows.get(key);
    if (!forks) rows.set(key, (forks = new Map()));
    const list = forks.get(sample.fork);
    if (list) list.push(sample);
    else forks.set(sample.fork, [sample]);
  }
  return new Map(
    [...rows].map(([key, forks]) => [
      key,
      [...forks]
        .sort(([a], [b]) => a - b)
        .map(([fork, list]) => ({
          fork,
          ns: median(list.map(({ value }) => value)),
          calls: list.reduce((sum, { iterations }) => sum + iterations, 0),
        })),
    ]),
  );
}

export const sampleKey = ({ suite, case: name, arm }: Pick<Sample, 'suite' | 'case' | 'arm'>): string => JSON.stringify([suite, name, arm]);

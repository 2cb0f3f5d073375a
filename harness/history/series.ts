// Series: the results of many runs over time, one series for each case, arm and environment. Figures of two environments are never in one.

import { createHash } from 'node:crypto';
import { sideOf } from '../comparison/evidence.ts';
import type { Summary } from '../record.ts';
import { type ChangePoint, changePoints } from './change-points.ts';

/** What a series needs of a run. */
export interface PastRun {
  readonly run_id: string;
  readonly time_utc: string;
  readonly revision?: string;
  readonly fingerprint: string;
  /** The environment in words. */
  readonly place: string;
  readonly summaries: readonly Summary[];
}

export interface Point {
  readonly run_id: string;
  readonly time_utc: string;
  readonly revision?: string;
  readonly median_ns: number;
  readonly ci_low_ns?: number;
  readonly ci_high_ns?: number;
}

export interface Series {
  readonly suite: string;
  readonly case: string;
  readonly arm: string;
  readonly environment: string;
  readonly place: string;
  /** In the order of time. */
  readonly points: readonly Point[];
  readonly changes: readonly ChangePoint[];
}

/** Of a gate the head is what was new; its base was new before. */
function armOf(arm: string): string | undefined {
  const found = sideOf(arm);
  return found ? (found.side === 'head' ? found.arm : undefined) : arm;
}

/** The series of all runs, in the order in which they first appear. */
export function seriesOf(runs: readonly PastRun[], magnitude: number): Series[] {
  const inOrder = [...runs].sort((a, b) => (a.time_utc < b.time_utc ? -1 : a.time_utc > b.time_utc ? 1 : 0));
  const all = new Map<string, Omit<Series, 'changes' | 'points'> & { points: Point[] }>();
  for (const { run_id, time_utc, revision, fingerprint, place, summaries } of inOrder)
    for (const { suite, case: name, arm: measured, median_ns, ci_low_ns, ci_high_ns } of summaries) {
      const arm = armOf(measured);
      // A row without figures is no point: it failed, or was skipped.
      if (arm === undefined || median_ns === undefined || !(median_ns > 0)) continue;
      const key = JSON.stringify([suite, name, arm, fingerprint]);
      const series = all.get(key) ?? { suite, case: name, arm, environment: fingerprint, place, points: [] };
      all.set(key, series);
      series.points.push({ run_id, time_utc, revision, median_ns, ci_low_ns, ci_high_ns });
    }
  return [...all].map(([key, series]) => {
    const seed = createHash('sha256').update(key).digest().readUInt32LE(0);
    const values = series.points.map((point) => point.median_ns);
    return { ...series, changes: changePoints(values, { seed, magnitude }) };
  });
}

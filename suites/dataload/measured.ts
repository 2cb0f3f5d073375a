// What the rows of a run say of each setting of the loader: a step measured each way, and what the main thread did meanwhile.

import type { Summary } from '../../harness/record.ts';
import { type Steps, type WhatIf, whatIfs, wholeOf, workOf } from './analysis.ts';
import { forecast, type Setting, type StepWork } from './queue.ts';
import type { Way } from './work.ts';

/** Figures of the main thread in the way that is nearest to real training: cold, else cached. In milliseconds of a step. */
export interface Direct {
  readonly wait: number;
  readonly copy: number;
  readonly compute: number;
  /** Batches that were ready at `next()`, on average. */
  readonly ready: number;
}

export interface Measured {
  readonly setting: Setting;
  readonly steps: Steps;
  readonly direct?: Direct;
  /** The step where the net trains in every second one only. */
  readonly half?: number;
}

/** A prediction, and what came of it where it was tried: milliseconds of a step. */
export interface Tried {
  readonly from: Setting;
  readonly what: WhatIf;
  readonly predicted: number;
  readonly found?: number;
}

const MS = 1e6;

function measuredOf(rows: Partial<Record<Way, Summary>>): Measured | undefined {
  const step = (way: Way) => (rows[way]?.median_ns === undefined ? undefined : rows[way].median_ns / MS);
  const [resident, host, cached, cold] = (['resident', 'host', 'cached', 'cold'] as const).map(step);
  if (resident === undefined || host === undefined || cached === undefined) return undefined;
  const full = (cold === undefined ? rows.cached : rows.cold)!.extra ?? {};
  const number = (name: string) => Number(full[name]);
  const setting = { workers: number('workers'), prefetch: number('prefetch'), cores: number('cores'), threads: number('busy_threads') };
  const direct = { wait: number('wait_ms'), copy: number('copy_ms'), compute: number('compute_ms'), ready: number('ready_batches') };
  const known = Object.values(direct).every(Number.isFinite);
  return { setting, steps: { resident, host, cached, cold }, direct: known ? direct : undefined, half: step('half') };
}

/** The settings of a place (a device with its threads), those without workers first. */
export function measuredIn(rows: readonly Summary[]): Measured[] {
  const cases = Map.groupBy(rows, (row) => row.case);
  return [...cases.values()]
    .map((of) => measuredOf(Object.fromEntries(of.map((row) => [row.arm.split('@')[0], row]))))
    .filter((one) => one !== undefined)
    .sort((a, b) => a.setting.workers - b.setting.workers || a.setting.prefetch - b.setting.prefetch);
}

/** The work of a step's parts, from the setting without workers, where nothing hides. Undefined where that was not measured. */
export const workIn = (settings: readonly Measured[]): StepWork | undefined => {
  const sequential = settings.find(({ setting }) => setting.workers === 0);
  return sequential && workOf(sequential.steps);
};

/**
 * What the model predicts from each setting, and what was found where it was tried: with twice the workers in another setting, all in memory as the cached
 * way, a step twice as fast by training in every second step only. A prediction is the step as measured times what the model says it changes by.
 */
export function tried(settings: readonly Measured[], work: StepWork): Tried[] {
  return settings.flatMap(({ setting, steps, half }) => {
    const now = forecast(work, setting).step;
    return whatIfs(work, setting).map((what): Tried => {
      const predicted = (wholeOf(steps) * what.forecast.step) / now;
      const other = settings.find(
        ({ setting: { workers, prefetch } }) =>
          workers === what.setting.workers && prefetch === setting.prefetch && workers !== setting.workers,
      );
      // Without workers the cached step is what the work was found by.
      const cached = steps.cold !== undefined && setting.workers > 0 ? steps.cached : undefined;
      // Steps with and without training, by turns, are as a net twice as fast only where the queue evens them out, or nothing overlaps at all.
      const isEven = setting.workers === 0 || setting.prefetch !== 1;
      const found = { workers: other && setting.workers > 0 ? wholeOf(other.steps) : undefined, cached, kernel: isEven ? half : undefined }[
        what.change
      ];
      return { from: setting, what, predicted, found };
    });
  });
}

export const errorOf = ({ predicted, found }: Tried): number | undefined =>
  found === undefined ? undefined : Math.abs(predicted / found - 1);

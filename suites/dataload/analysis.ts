// The differential method: the same steps with less and less of the data path, and the differences are what each part costs.
//
//   resident  the batch lies on the device                       compute
//   host      the same batch is copied in every step             + copy
//   cached    batches come through the loader, from memory       + decode (and the transforms)
//   cold      the files are read from storage                    + fetch
//
// What a part costs a step is its stall: with workers most of a part's work hides behind the step, and only what does not is stall. The work itself is what the
// same differences come to without workers, where nothing can hide. The method is DS-Analyzer's (Mohan et al., VLDB 2021), with the copy told apart.

import { type Forecast, forecast, type Setting, STAGES, type Stage, type StepWork } from './queue.ts';

/** Milliseconds of a step, measured each way. Without `cold` the data are in memory, and there is no fetch. */
export interface Steps {
  readonly resident: number;
  readonly host: number;
  readonly cached: number;
  readonly cold?: number;
}

/** What each part adds to a step: the four sum to the whole step. Noise may make a small one negative. */
export function partsOf({ resident, host, cached, cold = cached }: Steps): StepWork {
  return { fetch: cold - cached, decode: cached - host, copy: host - resident, compute: resident };
}

/** The step that parts are of. */
export const wholeOf = ({ cold, cached }: Steps): number => cold ?? cached;

/** Work is not negative. */
export const workOf = (sequential: Steps): StepWork => {
  const parts = partsOf(sequential);
  return Object.fromEntries(STAGES.map((stage) => [stage, Math.max(0, parts[stage])])) as unknown as StepWork;
};

export type Band = 'not input-bound' | 'moderately input-bound' | 'highly input-bound';
/** Shares of a step at which the bands begin; those of TensorFlow's input pipeline analyzer. */
const MODERATE = 0.05;
const HIGH = 0.2;

/** How much of a step is not computing: fetch, decode and copy stalls, as a share. */
export const stallShare = (steps: Steps): number => 1 - steps.resident / wholeOf(steps);

export const bandOf = (share: number): Band =>
  share < MODERATE ? 'not input-bound' : share <= HIGH ? 'moderately input-bound' : 'highly input-bound';

/** Milliseconds that a step gets shorter by where a part takes half its time. */
export function gainsOf(work: StepWork, setting: Setting): StepWork {
  const now = forecast(work, setting).step;
  const gain = (stage: Stage) => now - forecast({ ...work, [stage]: work[stage] / 2 }, setting).step;
  return Object.fromEntries(STAGES.map((stage) => [stage, gain(stage)])) as unknown as StepWork;
}

/** Gains that differ by less than this share of the step are alike. */
const ALIKE = 0.01;

/** The part that is worth speeding up first: it shortens the step most when it takes half its time, or has most work among those that do so alike. */
export function bottleneckOf(work: StepWork, setting: Setting): Stage {
  const gains = gainsOf(work, setting);
  const least = Math.max(...Object.values(gains)) - ALIKE * forecast(work, setting).step;
  return STAGES.filter((stage) => gains[stage] >= least).reduce((most, stage) => (work[stage] > work[most] ? stage : most));
}

export type Change = 'workers' | 'cached' | 'kernel';

/** What would be if one thing were changed. */
export interface WhatIf {
  readonly change: Change;
  readonly work: StepWork;
  readonly setting: Setting;
  readonly forecast: Forecast;
}

/** Twice the workers (one, where there is none), everything in memory, a training step twice as fast. */
export function whatIfs(work: StepWork, setting: Setting): WhatIf[] {
  const changes: Omit<WhatIf, 'forecast'>[] = [
    { change: 'workers', work, setting: { ...setting, workers: 2 * setting.workers || 1 } },
    { change: 'cached', work: { ...work, fetch: 0 }, setting },
    { change: 'kernel', work: { ...work, compute: work.compute / 2 }, setting },
  ];
  return changes.map((one) => ({ ...one, forecast: forecast(one.work, one.setting) }));
}

// What the rows of dataload say: where the time of a step goes in each setting of the loader, what would be if something were changed, and one line of advice.

import type { Summary } from '../../harness/record.ts';
import { share } from '../words.ts';
import { bandOf, bottleneckOf, partsOf, stallShare, wholeOf } from './analysis.ts';
import { errorOf, type Measured, measuredIn, type Tried, tried, workIn } from './measured.ts';
import { forecast, type Setting, STAGES, type StepWork } from './queue.ts';

const ms = (value: number): string => `${value.toFixed(value < 9.95 ? 2 : 1)} ms`;

const nameOf = ({ workers, prefetch }: Setting): string =>
  workers === 0 ? 'no workers' : `${workers} ${workers === 1 ? 'worker' : 'workers'}, ${prefetch} ahead`;

/** The sentences, for each device. */
export function verdict(rows: readonly Summary[]): string[] {
  const measured = rows.filter((row) => row.median_ns !== undefined);
  const places = Map.groupBy(measured, (row) => row.arm.split('@')[1]);
  return [...places].flatMap(([place, ofPlace]) => {
    const settings = measuredIn(ofPlace);
    const work = workIn(settings);
    if (settings.length === 0) return [];
    const lines = settings.map(whereItGoes);
    if (!work) return lines.map((line) => `${place}, ${line}`);
    const all = tried(settings, work);
    const best = settings.reduce((a, b) => (wholeOf(b.steps) < wholeOf(a.steps) ? b : a));
    return [...lines, ...predictions(all, best), adviceFor(settings, best, work)].map((line) => `${place}, ${line}`);
  });
}

/** The parts of a step, and the cross-check by what the main thread did. */
function whereItGoes({ setting, steps, direct }: Measured): string {
  const whole = wholeOf(steps);
  const parts = partsOf(steps);
  const of = STAGES.toReversed()
    .map((stage) => `${stage} ${ms(parts[stage])}`)
    .join(', ');
  const stalled = stallShare(steps);
  const split = `${nameOf(setting)}: a step takes ${ms(whole)}: ${of}; ${bandOf(stalled)}: ${share(Math.max(0, stalled))} of it is not computing`;
  if (!direct) return split;
  const slowed = direct.compute + direct.copy - steps.host;
  const contended =
    setting.workers > 0 && slowed > 0.05 * steps.host ? `; workers on the same cores slow the rest of the step by ${ms(slowed)}` : '';
  const queue = setting.workers > 0 ? ` with ${direct.ready.toFixed(1)} batches ready` : '';
  const accounted = (direct.wait + direct.copy + direct.compute) / whole;
  return `${split} (blocked in next() for ${ms(direct.wait)}${queue}${contended}; timed directly the parts sum to ${(100 * accounted).toFixed(1)} %)`;
}

const CHANGES: Readonly<Record<Tried['what']['change'], (one: Tried) => string>> = {
  workers: ({ what }) => `with ${what.setting.workers} ${what.setting.workers === 1 ? 'worker' : 'workers'}`,
  cached: () => 'with everything in memory',
  kernel: () => 'with a net twice as fast',
};

function predictions(all: readonly Tried[], best: Measured): string[] {
  const said = all
    .filter(({ from }) => from === best.setting)
    .map((one) => {
      const error = errorOf(one);
      const check = error === undefined ? 'not tried here' : `measured ${ms(one.found!)}, ${share(error)} off`;
      return `${CHANGES[one.what.change](one)} ${ms(one.predicted)} (${check})`;
    });
  const errors = all.map(errorOf).filter((error) => error !== undefined);
  const middle = errors.toSorted((a, b) => a - b)[Math.floor((errors.length - 1) / 2)];
  return [
    `what if, from ${nameOf(best.setting)} at ${ms(wholeOf(best.steps))}: ${said.join('; ')}`,
    ...(errors.length > 0
      ? [
          `${errors.length} predictions were tried: half of them are off by ${share(middle)} or less, the worst by ${share(Math.max(...errors))}`,
        ]
      : []),
  ];
}

/** Gains below this share of the step are not worth a change. */
const WORTH = 0.05;

/** One line: the setting to use, what holds the step then, and what would help. */
function adviceFor(settings: readonly Measured[], best: Measured, work: StepWork): string {
  const whole = wholeOf(best.steps);
  const sequential = settings.find(({ setting }) => setting.workers === 0)!;
  const saved = 1 - whole / wholeOf(sequential.steps);
  const use =
    best === sequential || saved < WORTH
      ? `advice: load without workers, which costs ${ms(whole - best.steps.resident)} of ${ms(whole)} a step`
      : `advice: use ${nameOf(best.setting)}: ${ms(whole)} a step, ${share(saved)} less than without workers`;
  return `${use}; ${nextFor(best.setting, whole, work)}`;
}

function nextFor(setting: Setting, whole: number, work: StepWork): string {
  const now = forecast(work, setting).step;
  const predicted = (changedWork: StepWork, changed = setting) => (whole * forecast(changedWork, changed).step) / now;
  const more = { ...setting, workers: 2 * setting.workers || 1, prefetch: Math.max(setting.prefetch, 2) };
  const withMore = predicted(work, more);
  const stage = bottleneckOf(work, setting);
  const halved = predicted({ ...work, [stage]: work[stage] / 2 });
  if (withMore < (1 - WORTH) * whole && withMore <= halved) return `then ${nameOf(more)} are predicted to bring it to ${ms(withMore)}`;
  const how = {
    fetch: 'reading is what holds it: keep the data in memory or on faster storage',
    decode: 'decoding is what holds it: store the images at the size that is needed',
    copy: 'copying is what holds it: send bytes (u8) and normalise on the device',
    compute: 'the net is what holds it, not the data: look at its kernels',
  }[stage];
  return halved > (1 - WORTH) * whole
    ? 'no part of it, twice as fast, would save a twentieth'
    : `then ${how}; half of that work makes it ${ms(halved)}`;
}

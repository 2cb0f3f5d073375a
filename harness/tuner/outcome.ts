// An outcome as rows of the results folder: for each problem the default and the winner, with how many times faster that is and what finding it has cost.

import { kernelsFor } from '../../kernels/catalog.ts';
import { codeVersion, type Machine, type TunedEntry } from '../../kernels/tuned/entry.ts';
import type { Sample, Summary } from '../record.ts';
import { type Rating, rating } from '../roof.ts';
import { clusteredInterval, medianDeviation, medianOfForks } from '../statistics.ts';
import type { Finalist } from './final.ts';
import type { Measured } from './trials.ts';
import type { Outcome } from './tune.ts';

export const DEFAULT_ARM = 'default';
export const TUNED_ARM = 'tuned';

/** What rows say of the run that they are of. */
export interface RowContext {
  readonly run_id: string;
  readonly suite: string;
  readonly seed: number;
  readonly adapter: string;
  readonly v8_flags: string;
}

const sortedJson = (tunables: Readonly<Record<string, number>>): string =>
  JSON.stringify(Object.fromEntries(Object.entries(tunables).sort(([a], [b]) => (a < b ? -1 : 1))));

const placeOf = ({ order }: Outcome): string => (order.device === 'cpu' ? `cpu/${order.threads}` : order.device);

/** Problems on several thread counts are cases of their own. */
export const caseName = (outcome: Outcome): string => `${outcome.order.name}@${placeOf(outcome)}`;

const dtypeOf = ({ order: { problem } }: Outcome): string => ('dtype' in problem ? problem.dtype : 'f32');

const identityOf = (outcome: Outcome, { run_id, suite }: RowContext) => ({
  run_id,
  suite,
  case: caseName(outcome),
  device: outcome.order.device,
  dtype: dtypeOf(outcome),
  threads: outcome.order.threads,
});

/** The rows of an outcome: default and winner, or one that says why there is none. */
export function summariesOf(outcome: Outcome, context: RowContext): Summary[] {
  const { decision } = outcome;
  const base = {
    ...identityOf(outcome, context),
    adapter: context.adapter,
    v8_flags: context.v8_flags,
    time_utc: new Date().toISOString(),
  };
  if (!decision) {
    const reason = outcome.interrupted ? 'interrupted before the final' : 'no configuration gave right results';
    return [{ ...base, arm: TUNED_ARM, status: outcome.interrupted ? 'skipped' : 'failed', reason, extra: costOf(outcome) }];
  }
  const row = (arm: string, finalist: Finalist, source: string): Summary => {
    const { kernel, tunables, forks, ns } = finalist;
    const cost = kernel.cost(outcome.order.problem, tunables);
    const interval = clusteredInterval(forks, medianOfForks, context.seed);
    return {
      ...base,
      arm,
      kernel: kernel.name,
      tunables: sortedJson(tunables),
      tune_source: source,
      status: 'ok',
      forks: forks.length,
      samples: forks.flat().length,
      median_ns: ns,
      mad_ns: medianDeviation(forks.flat()),
      ci_low_ns: interval?.low,
      ci_high_ns: interval?.high,
      gflops: cost.flops / ns,
      gbps: cost.bytes / ns,
      ...rated(outcome, finalist),
      verified: true,
    };
  };
  const { winner, base: defaults, ratio } = decision;
  const isKept = winner.id === defaults?.id;
  const tuned = row(TUNED_ARM, winner, isKept ? 'default' : 'tuned');
  const ratios = ratio
    ? { baseline: DEFAULT_ARM, ratio: ratio.ratio, ...(ratio.low !== undefined && { ratio_low: ratio.low, ratio_high: ratio.high! }) }
    : {};
  const extra = { ...ratios, ...costOf(outcome) };
  const first: Summary = defaults
    ? row(DEFAULT_ARM, defaults, 'default')
    : { ...base, arm: DEFAULT_ARM, status: 'failed', reason: outcome.defaultFailure ?? 'it failed in the final' };
  return [first, { ...tuned, extra }];
}

function rated({ order }: Outcome, { kernel, tunables, ns }: Finalist): Partial<Rating> {
  const found = order.roof && rating(order.roof, kernel.cost(order.problem, tunables), ns);
  return found ?? {};
}

/** What the tuning has cost, and what ended it. */
function costOf({ searches, seconds, ownPct }: Outcome): Record<string, string | number> {
  const sum = (pick: (one: Outcome['searches'][number]) => number) => searches.reduce((total, one) => total + pick(one), 0);
  return {
    evaluations: sum(({ evaluations }) => evaluations),
    failed_evaluations: sum(({ failures }) => failures),
    space_size: sum(({ spaceSize }) => spaceSize),
    tune_s: Number(seconds.toFixed(2)),
    tuner_pct: Number(ownPct.toFixed(2)),
    ended_by: searches
      .filter(({ ending }) => ending !== 'chosen by its default')
      .map(({ kernel, ending }) => `${kernel.name}: ${ending}`)
      .join('; '),
  };
}

/** The samples of the final, as measured. */
export function samplesOf(outcome: Outcome, context: RowContext): Sample[] {
  const { decision } = outcome;
  if (!decision) return [];
  const arms = [...(decision.base ? [[DEFAULT_ARM, decision.base] as const] : []), [TUNED_ARM, decision.winner] as const];
  return arms.flatMap(([arm, { kernel, forks, iterations }], slot) =>
    forks.flatMap((times, fork) =>
      times.map(
        (value, round): Sample => ({
          ...identityOf(outcome, context),
          arm,
          kernel: kernel.name,
          fork,
          round,
          slot,
          metric: 'time',
          unit: 'ns',
          value,
          iterations: iterations[fork],
          dropped: false,
        }),
      ),
    ),
  );
}

/**
 * Lines for the tuned table: the winner, and of every other kernel that was measured the best, which is never said to be faster than the winner. None of a
 * kernel of the user's own, which nobody else could choose.
 */
export function entriesOf({ order, decision, best }: Outcome, machine: Machine): TunedEntry[] {
  if (!decision) return [];
  const { winner, base } = decision;
  const { problem, constants, traits } = order;
  const entry = ({ kernel, tunables }: Finalist | Measured, seconds: number): TunedEntry => ({
    machine,
    problem,
    ...(constants.length > 0 && { constants }),
    kernel: kernel.name,
    tunables,
    code: codeVersion(kernel, problem, tunables, { ...traits, limits: {} }),
    seconds,
    ...(base?.kernel === kernel && { defaultSeconds: base.ns / 1e9 }),
  });
  const others = best.filter(({ kernel }) => kernel !== winner.kernel);
  const lines = [entry(winner, winner.ns / 1e9), ...others.map((one) => entry(one, Math.max(one.seconds!, (1.001 * winner.ns) / 1e9)))];
  return lines.filter(({ kernel: name }) => kernelsFor(problem.op, order.device).some((kernel) => kernel.name === name));
}

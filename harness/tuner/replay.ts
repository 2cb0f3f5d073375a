// Replay: a strategy searches a recording as if it measured. The unit is one configuration measured, failures included; a configuration counts once.

import type { Recording } from './recording.ts';
import type { Configuration } from './space.ts';
import type { Strategy } from './strategy.ts';

export interface ReplayOptions {
  readonly evaluations: number;
  /** Configurations asked for at a time, as live tuning does. */
  readonly batch: number;
  readonly seed: number;
  readonly initial?: readonly Configuration[];
  readonly ranked?: readonly Configuration[];
}

/**
 * Best found over optimum after each evaluation, 1 at best. Before anything has succeeded it is the slowest of the recording.
 */
export function replay({ space, seconds }: Recording, strategy: Strategy, options: ReplayOptions): Float64Array {
  const { seed, batch, initial, ranked } = options;
  const finite = seconds.filter(Number.isFinite);
  const [optimum, slowest] = [finite.reduce((a, b) => Math.min(a, b)), finite.reduce((a, b) => Math.max(a, b))];
  const curve = new Float64Array(Math.min(options.evaluations, space.size));
  const search = strategy.start(space, { seed, initial, ranked });
  let best = slowest;
  for (let at = 0; at < curve.length; ) {
    const wanted = search.ask(Math.min(batch, curve.length - at));
    if (wanted.length === 0) return curve.fill(best / optimum, at);
    const outcomes = wanted.map((configuration) => {
      const taken = seconds[space.indexOf(configuration)];
      best = Math.min(best, taken);
      curve[at++] = best / optimum;
      return { configuration, seconds: Number.isFinite(taken) ? taken : undefined };
    });
    search.tell(outcomes);
  }
  return curve;
}

/** Many runs of one strategy. */
export interface Runs {
  readonly strategy: string;
  /** Of each seed. */
  readonly curves: readonly Float64Array[];
}

export function replays(
  recording: Recording,
  strategy: Strategy,
  { seeds, ...options }: Omit<ReplayOptions, 'seed'> & { seeds: number },
): Runs {
  const curves = Array.from({ length: seeds }, (_, i) => replay(recording, strategy, { ...options, seed: i + 1 }));
  return { strategy: strategy.name, curves };
}

/** What each run has found after so many evaluations, over the optimum. */
export const foundAfter = ({ curves }: Runs, evaluations: number): number[] =>
  curves.map((curve) => curve[Math.min(evaluations, curve.length) - 1]);

/** Of what runs have found over the optimum: the geometric mean, the 95 % quantile, and the share that is within 5 % of the optimum. */
export function standing(found: readonly number[]): { mean: number; p95: number; within5: number } {
  const sorted = [...found].sort((a, b) => a - b);
  return {
    mean: Math.exp(sorted.reduce((sum, ratio) => sum + Math.log(ratio), 0) / sorted.length),
    p95: sorted[Math.ceil(0.95 * sorted.length) - 1],
    within5: sorted.filter((ratio) => ratio <= 1.05).length / sorted.length,
  };
}

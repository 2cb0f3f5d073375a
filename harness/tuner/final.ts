// The final: the fastest few and the default once more, in fresh processes, in interleaved rounds. Its winner is the tuning's.
//
// Whoever is within the indifference zone of the fastest is as good as it; of those the default wins, else the one that stands first in its space. It replaces the
// default only where the interval of its ratio to it lies above 1; else the default stays. So the winner of one tuning is that of the next, and no configuration
// replaces the default without being faster beyond what noise can do.

import { seededRandom } from '../../kernels/random.ts';
import { ArmFailure } from '../protocol.ts';
import { median, medianOfForks, type Ratio, ratioOfForks } from '../statistics.ts';
import { type Contender, calm, contender, isLive, RACE, race } from './race.ts';
import { Runner, type RunnerOptions, type Spent } from './runner.ts';
import type { Measured, Trials } from './trials.ts';

/** Finalists beside the default, and how much slower than the best they were at most. */
const FINALISTS = 8;
const REACH = 1.1;
/** Times this close are equal. */
const INDIFFERENCE = 0.015;
const FORKS = 3;
const ROUNDS = 9;
/** A process whose finalists take so many times as long as in the search is run again, so often for each of the three. */
const DISTURBED = 1.5;
const REPEATS = 2;
/** Of calls longer than this, fewer. */
const LONG_NS = 50e6;
const LONG_ROUNDS = 3;

export interface FinalOptions {
  readonly runner: RunnerOptions;
  readonly seed: number;
  readonly sampleNs: number;
  readonly signal: AbortSignal;
  progress(what: string): void;
}

/** A finalist's times: nanoseconds by fork and round. */
export interface Finalist extends Measured {
  readonly forks: readonly (readonly number[])[];
  /** Calls that a sample of each fork spanned. */
  readonly iterations: readonly number[];
  /** The median over forks of each fork's median. */
  readonly ns: number;
}

export interface Decision {
  readonly winner: Finalist;
  /** Absent where the default failed. */
  readonly base?: Finalist;
  /** How many times faster than the default the winner is. */
  readonly ratio?: Ratio;
  readonly finalists: readonly Finalist[];
  readonly spent: readonly Spent[];
}

/** Runs the final of what `trials` knows. Undefined where nothing is left that is right, or the signal was given. */
export async function decide(trials: Trials, base: Measured | undefined, options: FinalOptions): Promise<Decision | undefined> {
  const best = trials.best()?.seconds;
  if (best === undefined) return undefined;
  const right = [...trials.known.values()].filter(({ seconds }) => seconds !== undefined && seconds <= best * REACH);
  const fastest = right.sort((a, b) => a.seconds! - b.seconds!).slice(0, FINALISTS);
  const entrants = base?.seconds !== undefined && !fastest.some(({ id }) => id === base.id) ? [base, ...fastest] : fastest;
  const forks: Contender[][] = [];
  const spent: Spent[] = [];
  for (let fork = 0; fork < FORKS && !options.signal.aborted; fork++) {
    options.progress(`final ${fork + 1} of ${FORKS}: ${entrants.length} configurations`);
    for (let again = 0; ; again++) {
      await using runner = new Runner(options.runner);
      const contenders = await runFork(runner, entrants, trials, { ...options, seed: options.seed + fork });
      spent.push(runner.spent);
      if (options.signal.aborted || again === REPEATS || !isDisturbed(contenders, trials)) {
        forks.push(contenders);
        break;
      }
    }
  }
  if (options.signal.aborted) return undefined;
  const finalists = entrants.flatMap((entrant): Finalist[] => {
    const times = forks.map((fork) => fork.find(({ id }) => id === entrant.id)!);
    return times.every(isLive) && trials.known.get(entrant.id)?.seconds !== undefined
      ? [
          {
            ...entrant,
            forks: times.map((one) => one.times),
            iterations: times.map((one) => one.iterations!),
            ns: medianOfForks(times.map((one) => one.times)),
          },
        ]
      : [];
  });
  return finalists.length > 0 ? { ...verdict(finalists, base, options.seed), finalists, spent } : undefined;
}

/** Whether all of a process was slow: its finalists took much longer than in the search, half of them or more. */
function isDisturbed(contenders: readonly Contender[], trials: Trials): boolean {
  const ratios = contenders.flatMap(({ id, times }) => {
    const seconds = trials.known.get(id)?.seconds;
    return seconds === undefined || times.length === 0 ? [] : [calm(times) / (seconds * 1e9)];
  });
  return ratios.length > 0 && median(ratios) > DISTURBED;
}

/** One process: every finalist compiled, proven, timed in rounds, and proven again, since it may have erred in between. */
async function runFork(
  runner: Runner,
  entrants: readonly Measured[],
  trials: Trials,
  { seed, sampleNs, signal }: FinalOptions,
): Promise<Contender[]> {
  const contenders = entrants.map(({ id }) => contender(id));
  const attempt = async (one: Contender, step: () => Promise<unknown>) => {
    try {
      if (isLive(one) && !signal.aborted) await step();
    } catch (error) {
      if (!(error instanceof ArmFailure)) throw error;
      one.failure = { status: error.status, reason: error.reason };
    }
  };
  const compiled = await runner.compile(entrants.map(({ id, kernel, tunables }) => ({ id, kernel: kernel.name, tunables })));
  for (const { id, failure } of compiled) if (failure) contenders.find((one) => one.id === id)!.failure = failure;
  for (const one of contenders)
    await attempt(one, async () => {
      await runner.prove(one.id);
      one.iterations = (await runner.warm(one.id, sampleNs, Number.POSITIVE_INFINITY)).iterations;
    });
  const long = Math.max(...entrants.map(({ seconds }) => seconds!)) * 1e9 > LONG_NS;
  const rules = { ...RACE, rounds: long ? LONG_ROUNDS : ROUNDS, firstLimit: Number.POSITIVE_INFINITY, slowLimit: Number.POSITIVE_INFINITY };
  const calls = new Map(contenders.map(({ id, iterations }) => [id, iterations!]));
  const takeRound = (ids: readonly string[]) => runner.time(ids.map((id) => ({ id, iterations: calls.get(id)! })));
  await race(contenders, [], rules, { takeRound, random: seededRandom(seed), ends: () => signal.aborted });
  for (const one of contenders) await attempt(one, () => runner.prove(one.id));
  if (!signal.aborted)
    for (const { id, failure } of contenders) if (failure && trials.known.get(id)?.seconds !== undefined) trials.disqualify(id, failure);
  return contenders;
}

/** The winner among finalists, by their times alone. */
export function verdict(
  finalists: readonly Finalist[],
  base: Measured | undefined,
  seed: number,
): Pick<Decision, 'winner' | 'base' | 'ratio'> {
  const fastest = Math.min(...finalists.map(({ ns }) => ns));
  const equal = finalists.filter(({ ns }) => ns <= fastest * (1 + INDIFFERENCE));
  const defaults = finalists.find(({ id }) => id === base?.id);
  const winner = defaults && equal.includes(defaults) ? defaults : equal.sort(byPlace)[0];
  if (!defaults) return { winner };
  const ratio = ratioTo(defaults, winner, seed);
  const isSure = ratio !== undefined && (ratio.low ?? ratio.ratio) > 1;
  return isSure ? { winner, base: defaults, ratio } : { winner: defaults, base: defaults, ratio: ratioTo(defaults, defaults, seed) };
}

function ratioTo(defaults: Finalist, { forks }: Finalist, seed: number): Ratio | undefined {
  const pairs = forks.map((times, fork) =>
    times.flatMap((head, round) => (defaults.forks[fork][round] === undefined ? [] : [{ base: defaults.forks[fork][round], head }])),
  );
  return ratioOfForks(pairs, seed);
}

/** The order of kernels' names, then that of the space: values as declared, the first name counting most. */
function byPlace(a: Measured, b: Measured): number {
  if (a.kernel !== b.kernel) return a.kernel.name < b.kernel.name ? -1 : 1;
  for (const [name, values] of Object.entries(a.kernel.tunables)) {
    const apart = values.indexOf(a.tunables[name]) - values.indexOf(b.tunables[name]);
    if (apart !== 0) return apart;
  }
  return 0;
}

// Tuning one problem on one place: first which kernels, by their defaults and what the tuned table says of problems near by, then the best one or two of them over their spaces, then the final.

import { choose, kernelsFor, refusal } from '../../kernels/catalog.ts';
import type { AnyKernel, DeviceKind, Traits, Tunables } from '../../kernels/kernel.ts';
import type { Problem } from '../../kernels/problem.ts';
import { EMPTY_TABLE, type TunedTable } from '../../kernels/tuned/table.ts';
import { type Roof, rating } from '../roof.ts';
import { UsageError } from '../suite.ts';
import { type Budget, type Ending, StopRules } from './budget.ts';
import { type Decision, decide } from './final.ts';
import type { Journal } from './journal.ts';
import { rankedBy } from './ranking.ts';
import { Runner, type RunnerOptions } from './runner.ts';
import type { Space } from './space.ts';
import type { Strategy } from './strategy.ts';
import { idOf, type Measured, Trials } from './trials.ts';
import { warmStarts } from './warm-start.ts';

/** What is to be tuned, and where. */
export interface TuneOrder {
  /** `matmul/256x256x256/nn/f32`. */
  readonly name: string;
  readonly problem: Problem;
  readonly constants: readonly string[];
  readonly device: DeviceKind;
  readonly threads?: number;
  readonly traits: Traits & { readonly name?: string };
  /** Kernels to choose from, with their spaces; see `candidateKernels`. */
  readonly kernels: ReadonlyMap<AnyKernel, Space>;
  readonly journals: ReadonlyMap<AnyKernel, Journal>;
  readonly roof?: Roof;
  /** What is known of this problem and of those near it: searches begin there too. None if absent. */
  readonly table?: TunedTable;
}

export interface TuneOptions {
  readonly runner: RunnerOptions;
  readonly strategy: Strategy;
  readonly strategyOptions: Readonly<Record<string, number | string>>;
  readonly budget: Budget;
  readonly seed: number;
  /** Samples of a configuration that stays to the end of its race; the rules' own if absent. */
  readonly rounds?: number;
  readonly signal: AbortSignal;
  progress(what: string): void;
}

/** How the search of one kernel went. */
export interface SearchReport {
  readonly kernel: AnyKernel;
  readonly spaceSize: number;
  readonly evaluations: number;
  readonly failures: number;
  readonly ending: Ending | 'chosen by its default';
}

export interface Outcome {
  readonly order: TuneOrder;
  readonly searches: readonly SearchReport[];
  readonly decision?: Decision;
  /** The best of each kernel, before the final. */
  readonly best: readonly Measured[];
  readonly seconds: number;
  /** Seconds of the tuner's own: searching, journals, asking; and as a share of all. */
  readonly ownSeconds: number;
  readonly ownPct: number;
  /** Why the default could not be measured, where it could not. */
  readonly defaultFailure?: string;
  readonly interrupted: boolean;
}

/** Nanoseconds that a sample spans; on a device whose clock steps, a hundred steps. */
const SAMPLE_NS = 4e6;
const QUANTA = 100;
/** Configurations that are asked for and compiled at a time. */
const BATCH = 8;
/** The second best kernel is tuned too where its default takes at most so many times as long as the best's. */
const WORTH_TUNING = 1.4;
/** Kernels whose estimate is so many times the best's are not even tried by their defaults. */
const WORTH_TRYING = 12;
/** Share of a time budget that is kept for the final. */
const FINAL_SHARE = 0.2;

/** The kernels that could be fastest for a problem, the likeliest first. Throws a UsageError where none can do it. */
export function candidateKernels(
  problem: Problem,
  {
    device,
    traits,
    constants,
    names,
    own,
  }: { device: DeviceKind; traits: Traits; constants: readonly string[]; names?: readonly string[]; own?: AnyKernel },
): AnyKernel[] {
  const all = own ? [own] : kernelsFor(problem.op, device).filter(({ name }) => names === undefined || names.includes(name));
  const able = all.filter(
    (kernel) => refusal(kernel, problem, traits) === undefined && (names !== undefined || own || kernel.deterministic),
  );
  if (able.length === 0) {
    const reasons = all.map(
      (kernel) => `${kernel.name}: ${refusal(kernel, problem, traits) ?? 'the order of its additions depends on timing'}`,
    );
    throw new UsageError(
      `no kernel on ${device} can do this ${problem.op} problem (${reasons.join('; ') || 'there is none of the names given'})`,
    );
  }
  const seconds = new Map(able.map((kernel) => [kernel, kernel.estimate(problem, traits, constants)]));
  const sorted = able.sort((a, b) => seconds.get(a)! - seconds.get(b)!);
  return names !== undefined ? sorted : sorted.filter((kernel) => seconds.get(kernel)! <= WORTH_TRYING * seconds.get(sorted[0])!);
}

/** Tunes one problem. What is measured is in the journals, whatever ends it. */
export async function tune(order: TuneOrder, options: TuneOptions): Promise<Outcome> {
  const began = performance.now();
  const quantumNs = order.traits.limits.timestampQuantumNs ?? 0;
  const sampleNs = Math.max(SAMPLE_NS, QUANTA * quantumNs);
  const { signal, progress, seed, rounds } = options;
  const runner = new Runner(options.runner);
  const trials = new Trials(runner, order.journals, { seed, sampleNs, rounds, signal, progress });
  const tuning = new Tuning(order, options, trials, began);
  try {
    await tuning.run();
  } finally {
    await runner[Symbol.asyncDispose]();
  }
  const final = { runner: options.runner, seed, sampleNs: 2 * sampleNs, signal, progress };
  const decision = signal.aborted ? undefined : await decide(trials, tuning.base, final);
  const spent = [runner.spent, ...(decision?.spent ?? [])].flatMap((one) => Object.values(one)).reduce((sum, ns) => sum + ns, 0);
  const seconds = (performance.now() - began) / 1000;
  const ownSeconds = seconds - spent / 1e9;
  const failed = tuning.base && tuning.base.seconds === undefined ? String(tuning.base.result.x?.reason) : undefined;
  return {
    order,
    searches: tuning.searches,
    decision,
    best: [...order.kernels.keys()].flatMap((kernel) => trials.best(kernel) ?? []),
    seconds,
    ownSeconds,
    ownPct: (100 * ownSeconds) / seconds,
    defaultFailure: failed,
    interrupted: signal.aborted,
  };
}

/** The search of one problem, up to the final. */
class Tuning {
  readonly searches: SearchReport[] = [];
  /** The default: what is chosen where nothing is tuned. */
  base?: Measured;
  #order: TuneOrder;
  #options: TuneOptions;
  #trials: Trials;
  #began: number;
  /** Of each kernel what the table says, the nearest first. */
  #warm: ReadonlyMap<AnyKernel, readonly Tunables[]>;

  constructor(order: TuneOrder, options: TuneOptions, trials: Trials, began: number) {
    this.#order = order;
    this.#options = options;
    this.#trials = trials;
    this.#began = began;
    const warm = ([kernel, space]: [AnyKernel, Space]) => [kernel, warmStarts(kernel, space, order, order.table ?? EMPTY_TABLE)] as const;
    this.#warm = new Map([...order.kernels].map(warm));
  }

  async run(): Promise<void> {
    const { problem, traits } = this.#order;
    const kernels = [...this.#order.kernels.keys()];
    const base = this.#baseOf(kernels);
    const defaults = kernels.map((kernel) => ({
      kernel,
      tunables: kernel === base.kernel ? base.tunables : kernel.defaults(problem, traits),
    }));
    // What is chosen untuned comes first: everything else runs beside it.
    const ordered = [
      ...defaults.filter(({ kernel }) => kernel === base.kernel),
      ...defaults.filter(({ kernel }) => kernel !== base.kernel),
    ];
    await this.#trials.seat([base, ...(this.#trials.best() ? [this.#trials.best()!] : [])]);
    const warm = ordered.flatMap(({ kernel }) =>
      this.#warm
        .get(kernel)!
        .slice(0, 1)
        .map((tunables) => ({ kernel, tunables })),
    );
    const measured = await this.#trials.measure([...ordered, ...warm]);
    this.base = measured.find(({ id }) => id === idOf(base));
    const right = measured.filter(({ seconds }) => seconds !== undefined).sort((a, b) => a.seconds! - b.seconds!);
    const worth = right.filter(({ seconds }) => seconds! <= WORTH_TUNING * right[0].seconds!).map(({ kernel }) => kernel);
    // Where no default is right, others of the likeliest kernel may be.
    const chosen = worth.length > 0 ? [...new Set(worth)].slice(0, 2) : kernels.slice(0, 1);
    for (const [i, kernel] of chosen.entries()) {
      if (this.#options.signal.aborted) return;
      await this.#search(kernel, this.#shareOf(chosen.length - i));
    }
    for (const kernel of kernels.filter((one) => !chosen.includes(one))) this.#report(kernel, 'chosen by its default');
  }

  #baseOf(kernels: readonly AnyKernel[]): { kernel: AnyKernel; tunables: Tunables } {
    const { problem, traits, device, constants } = this.#order;
    const limited = { ...traits, kind: device };
    try {
      const { kernel, tunables } = choose(problem, limited, { constants, table: EMPTY_TABLE });
      if (kernels.includes(kernel)) return { kernel, tunables };
    } catch {
      // No kernel of the catalogue can do it, or is chosen unasked; one of those that were asked for can.
    }
    return { kernel: kernels[0], tunables: kernels[0].defaults(problem, traits) };
  }

  /** What one of `searches` searches that are left may cost. */
  #shareOf(searches: number): Budget {
    const { evaluations, seconds } = this.#options.budget;
    const known = [...this.#order.kernels.keys()].reduce((sum, kernel) => sum + this.#trials.count(kernel), 0);
    const left = seconds === undefined ? undefined : seconds * (1 - FINAL_SHARE) - this.#elapsed;
    return {
      evaluations: evaluations === undefined ? undefined : Math.max(1, Math.floor((evaluations - known) / searches)),
      seconds: left === undefined ? undefined : Math.max(0, left / searches),
    };
  }

  get #elapsed(): number {
    return (performance.now() - this.#began) / 1000;
  }

  /** Per cent of the roof that a time reaches. */
  #roofPct({ kernel, tunables, seconds }: Measured): number | undefined {
    const { roof, problem } = this.#order;
    return roof && seconds !== undefined ? rating(roof, kernel.cost(problem, tunables), seconds * 1e9)?.roof_pct : undefined;
  }

  async #search(kernel: AnyKernel, budget: Budget): Promise<void> {
    const space = this.#order.kernels.get(kernel)!;
    const { strategy, strategyOptions, seed, signal } = this.#options;
    const begin = this.#trials.best(kernel)?.tunables ?? kernel.defaults(this.#order.problem, this.#order.traits);
    const initial = [begin, ...this.#warm.get(kernel)!];
    const ranked = rankedBy(kernel, space, this.#order.problem, this.#order.traits, seed);
    const search = strategy.start(space, { seed, options: strategyOptions, initial, ranked });
    const rules = new StopRules(budget, { tunables: Object.keys(kernel.tunables).length, early: strategy.name !== 'exhaustive' });
    const [began, before] = [this.#elapsed, this.#trials.count(kernel)];
    const standing = () => {
      const best = this.#trials.best(kernel);
      return {
        evaluations: this.#trials.count(kernel) - before,
        elapsedSeconds: this.#elapsed - began,
        roofPct: best && this.#trials.isConfirmed ? this.#roofPct(best) : undefined,
      };
    };
    for (;;) {
      if (signal.aborted) return this.#report(kernel, 'interrupted');
      const ending = rules.ending(standing());
      if (ending) return this.#report(kernel, ending);
      const asked = performance.now();
      const wanted = search.ask(Math.min(BATCH, rules.left(standing().evaluations)));
      const searchNs = (performance.now() - asked) * 1e6;
      if (wanted.length === 0) return this.#report(kernel, 'space exhausted');
      const measured = await this.#trials.measure(
        wanted.map((tunables) => ({ kernel, tunables })),
        searchNs,
      );
      search.tell(measured.map(({ tunables, seconds }) => ({ configuration: tunables, seconds })));
      for (const { seconds } of measured) rules.note(seconds);
    }
  }

  #report(kernel: AnyKernel, ending: SearchReport['ending']): void {
    const known = [...this.#trials.known.values()].filter((one) => one.kernel === kernel);
    this.searches.push({
      kernel,
      spaceSize: this.#order.kernels.get(kernel)!.size,
      evaluations: known.length,
      failures: known.filter(({ seconds }) => seconds === undefined).length,
      ending,
    });
  }
}

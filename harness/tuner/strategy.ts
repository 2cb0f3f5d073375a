// A search strategy: which configurations to measure next, given what was measured so far. It measures nothing itself: it is asked and told, so that live
// tuning and the replay of recordings drive it alike.
//
//   const search = strategy.start(space, { seed: 1 });
//   for (let wanted = search.ask(8); wanted.length > 0; wanted = search.ask(8)) search.tell(measure(wanted));

import type { Configuration, Space } from './space.ts';

/** What measuring a configuration gave: seconds, or none where it failed: no compile, wrong result, crash, out of time. */
export interface Outcome {
  readonly configuration: Configuration;
  readonly seconds?: number;
}

/** One line of a strategy's table of options. */
export interface StrategyOption {
  readonly name: string;
  readonly default: number;
  readonly meaning: string;
}

export interface StartOptions {
  /** Of everything random: the same seed and outcomes give the same search. */
  readonly seed: number;
  /** Values of the strategy's options by name, where they differ from the defaults. */
  readonly options?: Readonly<Record<string, number | string>>;
  /** Configurations that a cost model holds for the fastest, best first; may be only a part of the space. Absent where there is no model. */
  readonly ranked?: readonly Configuration[];
  /** Configurations to measure before all others: defaults, and winners of neighbouring problems. Those that are not valid here are passed over. */
  readonly initial?: readonly Configuration[];
}

export interface Search {
  /**
   * Up to `most` configurations to measure next, none of them measured before; empty once nothing is left. What was asked for and not yet told is asked for
   * again. A batch is what may be compiled in parallel and raced in rounds.
   */
  ask(most: number): Configuration[];
  /** What measuring gave, in any order. Outcomes that were not asked for count as well: a journal told first is never measured again. */
  tell(outcomes: readonly Outcome[]): void;
}

export interface Strategy {
  /** What `--strategy` calls it. */
  readonly name: string;
  /** One line: the idea, in words. */
  readonly summary: string;
  readonly options: readonly StrategyOption[];
  /** Throws a UsageError for an option that it does not have, or whose value is no number. */
  start(space: Space, options: StartOptions): Search;
}

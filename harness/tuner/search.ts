// From a course to a search. A course is a strategy written straight down: a generator that yields the indices whose seconds it wants to know and is resumed
// with them. What drives it remembers every outcome, so that a course may want the same configuration twice while it is measured once.

import { seededRandom } from '../../kernels/random.ts';
import { unknownName } from '../nearest.ts';
import { UsageError } from '../suite.ts';
import type { Configuration, Space } from './space.ts';
import type { Outcome, Search, StartOptions, Strategy, StrategyOption } from './strategy.ts';

/** Seconds by index as far as they are known; infinite where a configuration failed. */
export type Known = ReadonlyMap<number, number>;

export interface CourseContext {
  readonly space: Space;
  readonly random: () => number;
  readonly options: Readonly<Record<string, number>>;
  /** Indices that a cost model holds for the fastest, best first; empty where there is no model. */
  readonly ranked: readonly number[];
  /** Indices that have been measured before the course begins, where there are any: what is known to be good. */
  readonly initial: readonly number[];
  readonly known: Known;
  /** How many are measured at a time: more than that need not be chosen at once. */
  readonly most: () => number;
}

/** Yields indices, is resumed with their seconds, infinite of a failure. Ends when it has nothing more to ask. */
export type Course = Generator<readonly number[], void, readonly number[]>;

export interface CourseStrategy extends Omit<Strategy, 'start'> {
  course(context: CourseContext): Course;
}

/** A course that has wanted nothing new so many times in a row goes round in circles: what is left is then asked for at random. */
const CIRCLES = 200;

/** The strategy whose searches follow a course. */
export const follows = ({ course, ...strategy }: CourseStrategy): Strategy => ({
  ...strategy,
  start: (space, options) => new CourseSearch(space, course, strategy, options),
});

class CourseSearch implements Search {
  #space: Space;
  #known = new Map<number, number>();
  #random: () => number;
  #course: Course;
  #wanted: readonly number[] = [];
  #most = 1;
  #begun = false;
  #ended = false;
  /** What is asked for once the course has ended, in order. */
  #rest?: number[];

  constructor(space: Space, course: (context: CourseContext) => Course, strategy: Omit<Strategy, 'start'>, start: StartOptions) {
    this.#space = space;
    this.#random = seededRandom(start.seed);
    this.#wanted = indicesOf(space, start.initial);
    this.#course = course({
      space,
      random: this.#random,
      options: optionsOf(strategy, start.options),
      ranked: indicesOf(space, start.ranked),
      initial: this.#wanted,
      known: this.#known,
      most: () => this.#most,
    });
  }

  ask(most: number): Configuration[] {
    this.#most = most;
    let next = this.#unknown();
    for (let circles = 0; next.length === 0 && !this.#ended; circles++) {
      const seconds = this.#wanted.map((index) => this.#known.get(index)!);
      const step = this.#begun ? this.#course.next(seconds) : this.#course.next();
      this.#begun = true;
      this.#ended = step.done === true || this.#known.size === this.#space.size || circles === CIRCLES;
      this.#wanted = step.done ? [] : step.value;
      next = this.#unknown();
    }
    if (next.length === 0) next = this.#others();
    return next.slice(0, most).map((index) => this.#space.at(index));
  }

  tell(outcomes: readonly Outcome[]): void {
    for (const { configuration, seconds } of outcomes) {
      const index = this.#space.indexOf(configuration);
      if (index >= 0) this.#known.set(index, seconds ?? Number.POSITIVE_INFINITY);
    }
  }

  #unknown(): number[] {
    return [...new Set(this.#wanted)].filter((index) => !this.#known.has(index));
  }

  #others(): number[] {
    this.#rest ??= this.#space.sample(this.#space.size, this.#random);
    return (this.#rest = this.#rest.filter((index) => !this.#known.has(index)));
  }
}

/** Places of configurations, each once, without those that are not valid. */
const indicesOf = (space: Space, list: readonly Configuration[] = []): number[] =>
  [...new Set(list.map((each) => space.indexOf(each)))].filter((index) => index >= 0);

/** The options of a search: what is given, and defaults for the others. Throws a UsageError for what the strategy does not have. */
export function optionsOf(
  { name: strategy, options }: { readonly name: string; readonly options: readonly StrategyOption[] },
  given: Readonly<Record<string, number | string>> = {},
): Record<string, number> {
  const values = Object.fromEntries(options.map(({ name, default: value }) => [name, value]));
  for (const [name, value] of Object.entries(given)) {
    if (!(name in values)) throw new UsageError(`strategy ${strategy}: ${unknownName('option', name, Object.keys(values))}`);
    const number = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
    if (!Number.isFinite(number) || number < 0)
      throw new UsageError(`strategy ${strategy}: ${name} is '${value}', expected a number of at least 0`);
    values[name] = number;
  }
  return values;
}

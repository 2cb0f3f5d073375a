// The default. First what is known to be good: configurations given, and the best of a cost model. Then a few at random. Then, in batches that are raced
// together, what a surrogate fitted to the measurements expects most of, with neighbours of the best among them.
//
//   expected improvement of a candidate = s · (u Φ(u) + φ(u)),   u = (best - mean) / s          Jones, Schonlau & Welch 1998
//
// Within a batch each choice is taken for measured at its mean before the next is made. A failure counts as slow as the slowest, so that its surroundings are avoided.
// Logarithms of seconds are what is modelled, and those far above the best are pressed together: where it is slow, how slow does not matter.

import { shuffled } from '../../../kernels/random.ts';
import { type Course, type CourseContext, follows } from '../search.ts';
import type { Space } from '../space.ts';
import { fitted, type Lengths, Surrogate } from '../surrogate.ts';

/** The surrogate looks at so many candidates at most, drawn anew at each fit where there are more. */
const POOL = 4500;
/** Draws for each of the first configurations. */
const DRAWS = 4;
/** The lengths are found anew each time the measurements have grown by this factor. */
const REFIT = 1.35;

export const guided = follows({
  name: 'guided',
  summary: 'the best by the model, some at random, then by a surrogate of what was measured, and neighbours of the best',
  options: [
    { name: 'first', default: 12, meaning: 'configurations before the surrogate, at random where no model ranks them' },
    { name: 'around', default: 4, meaning: 'of those, neighbours of the best configuration given, where one is' },
    { name: 'ranked', default: 8, meaning: 'of those, how many the cost model chooses' },
    { name: 'batch', default: 4, meaning: 'configurations per step, where as many are measured at a time' },
    { name: 'every', default: 8, meaning: 'one in so many is a neighbour of the best; 0 for none' },
    { name: 'press', default: 3, meaning: 'logarithm above the best from which times are pressed together' },
  ],
  *course(context) {
    const { space, random, options, ranked } = context;
    yield* around(context);
    const known = [...context.known.keys()];
    const likely = spread(space, known, ranked.length > 0 ? options.ranked : 0, random, ranked);
    const begin = [...known, ...likely];
    yield [...begin, ...spread(space, begin, options.first - begin.length, random)];
    yield* refine(context);
  },
});

/** Steps from the best of what was given: where a neighbouring problem is fastest, this one is seldom far. */
function* around({ space, random, options, initial, known }: CourseContext): Course {
  const best = bestOf(new Map(initial.map((index) => [index, known.get(index)!])));
  if (best !== undefined) yield shuffled(space.neighbours(best, 'adjacent'), random).slice(0, options.around);
}

/** How many times two divides a value: what alignment to words, lanes and lines goes by. */
function twos(value: number): number {
  let count = 0;
  for (let rest = Math.abs(value); rest >= 1 && rest % 2 === 0; rest /= 2) count++;
  return count;
}

/** Every value of a tunable to [0, 1]; undefined where that tells nothing apart. */
function scaled(values: readonly number[], measure: (value: number, rank: number) => number): number[] | undefined {
  const measured = values.map(measure);
  const [low, high] = [Math.min(...measured), Math.max(...measured)];
  return high > low ? measured.map((each) => (each - low) / (high - low)) : undefined;
}

/**
 * The coordinates of configurations, each in [0, 1]: of every tunable its rank, and how many times two divides it where that is not in the order of the
 * ranks anyway.
 */
class Coordinates {
  #space: Space;
  #axes: readonly { readonly i: number; readonly at: readonly number[] }[];

  constructor(space: Space) {
    this.#space = space;
    this.#axes = space.values.flatMap((values, i) => {
      const [rank, two] = [scaled(values, (_, at) => at), scaled(values, twos)];
      const isOrdered = two?.every((each, at) => at === 0 || each >= two[at - 1]);
      return [...(rank ? [{ i, at: rank }] : []), ...(two && !isOrdered ? [{ i, at: two }] : [])];
    });
  }

  of(index: number): Float64Array {
    const found = new Float64Array(this.#axes.length);
    for (let a = 0; a < found.length; a++) found[a] = this.#axes[a].at[this.#space.rank(index, this.#axes[a].i)];
    return found;
  }

  /** Those of many: a column for each. */
  columns(indices: readonly number[]): Float64Array[] {
    return this.#axes.map(({ i, at }) => {
      const column = new Float64Array(indices.length);
      for (let c = 0; c < column.length; c++) column[c] = at[this.#space.rank(indices[c], i)];
      return column;
    });
  }
}

/** `count` configurations at random, `among` these or all, that keep away from each other and from `begin`: each is the farthest of some draws (Mitchell 1991). */
function spread(space: Space, begin: readonly number[], count: number, random: () => number, among?: readonly number[]): number[] {
  const coordinates = new Coordinates(space);
  const kept = begin.map((index) => coordinates.of(index));
  const chosen: number[] = [];
  for (let i = 0; i < count; i++) {
    const drawn = among ? Array.from({ length: DRAWS }, () => among[Math.floor(random() * among.length)]) : space.sample(DRAWS, random);
    const draws = drawn.filter((index) => !begin.includes(index) && !chosen.includes(index));
    const [farthest] = draws
      .map((index) => ({ index, at: coordinates.of(index) }))
      .map(({ index, at }) => ({ index, at, gap: Math.min(...kept.map((other) => distance(at, other))) }))
      .sort((a, b) => b.gap - a.gap);
    if (!farthest) break;
    chosen.push(farthest.index);
    kept.push(farthest.at);
  }
  return chosen;
}

const distance = (a: Float64Array, b: Float64Array): number => a.reduce((sum, each, i) => sum + Math.abs(each - b[i]), 0);

/** What the surrogate is told of measurements: logarithms of seconds, centred and scaled, as they stood at the last fit. */
class Heights {
  #least: number;
  #most: number;
  #press: number;
  #centre = 0;
  #scale = 1;

  constructor(seconds: readonly number[], press: number) {
    const finite = seconds.filter(Number.isFinite);
    [this.#least, this.#most] = [Math.min(...finite), Math.max(...finite)];
    this.#press = press;
    const heights = seconds.map((each) => this.of(each));
    this.#centre = heights.reduce((sum, height) => sum + height, 0) / heights.length;
    this.#scale = Math.sqrt(heights.reduce((sum, height) => sum + (height - this.#centre) ** 2, 0) / heights.length) || 1;
  }

  of(seconds: number): number {
    const height = Math.log((Number.isFinite(seconds) ? seconds : this.#most) / this.#least);
    const pressed = height > this.#press ? this.#press + Math.log1p(height - this.#press) / 2 : height;
    return (pressed - this.#centre) / this.#scale;
  }
}

/** A surrogate fitted to what is known, over candidates that may be asked for next. */
class Model {
  readonly fittedAt: number;
  readonly hyper: Lengths;
  readonly candidates: readonly number[];
  readonly surrogate: Surrogate;
  #coordinates: Coordinates;
  #heights: Heights;
  #place: ReadonlyMap<number, number>;
  #added = new Set<number>();

  constructor({ space, random, options, known }: CourseContext, coordinates: Coordinates, best: number, before?: Lengths) {
    this.fittedAt = known.size;
    this.#coordinates = coordinates;
    this.#heights = new Heights([...known.values()], options.press);
    this.hyper = fitted(
      [...known.keys()].map((index) => coordinates.of(index)),
      [...known.values()].map((seconds) => this.#heights.of(seconds)),
      before,
    );
    const pool = space.size <= POOL ? Array.from({ length: space.size }, (_, index) => index) : space.sample(POOL, random);
    this.candidates = [...new Set([...pool, ...space.neighbours(best, 'any')])];
    this.#place = new Map(this.candidates.map((index, c) => [index, c]));
    this.surrogate = new Surrogate(coordinates.columns(this.candidates), this.candidates.length, this.hyper);
    this.learn(known);
  }

  /** Takes in what has been measured since. */
  learn(known: ReadonlyMap<number, number>): void {
    for (const [index, seconds] of known)
      if (!this.#added.has(index)) {
        this.#added.add(index);
        this.surrogate.add(this.#coordinates.of(index), this.#heights.of(seconds));
      }
  }

  height = (seconds: number): number => this.#heights.of(seconds);

  /** The most promising candidates that are not known: for each entry of `near` one, where that says so among `neighbours` as long as those are candidates. */
  choose(near: readonly boolean[], neighbours: readonly number[], known: ReadonlyMap<number, number>, least: number): number[] {
    const batch: number[] = [];
    const open = (c: number) => !known.has(this.candidates[c]) && !batch.includes(this.candidates[c]);
    const all = this.candidates.map((_, c) => c);
    const beside = neighbours.flatMap((index) => this.#place.get(index) ?? []);
    this.surrogate.supposing(() => {
      for (const [i, isNear] of near.entries()) {
        const few = isNear ? beside.filter(open) : [];
        const chosen = most(this.surrogate, least, few.length > 0 ? few : all, open);
        if (chosen === undefined) return;
        batch.push(this.candidates[chosen]);
        if (i < near.length - 1) this.surrogate.add(this.#coordinates.of(this.candidates[chosen]), this.surrogate.mean[chosen]);
      }
    });
    return batch;
  }
}

function* refine(context: CourseContext): Course {
  const { space, random, options, known } = context;
  const coordinates = new Coordinates(space);
  let turn = 0;
  let model: Model | undefined;
  for (;;) {
    const count = Math.max(1, Math.min(options.batch, context.most()));
    const best = bestOf(known);
    if (best === undefined) {
      const rest = space.sample(count + known.size, random).filter((index) => !known.has(index));
      if (rest.length === 0) return;
      yield rest.slice(0, count);
      continue;
    }
    if (!model || known.size >= REFIT * model.fittedAt) model = new Model(context, coordinates, best, model?.hyper);
    else model.learn(known);
    const near = Array.from({ length: count }, () => options.every > 0 && ++turn % options.every === 0);
    const batch = model.choose(near, space.neighbours(best, 'any'), known, model.height(known.get(best)!));
    if (batch.length === 0) return;
    yield batch;
  }
}

/** The fastest, or undefined where nothing has succeeded. */
function bestOf(known: ReadonlyMap<number, number>): number | undefined {
  let [best, least]: [number | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
  for (const [index, seconds] of known) if (seconds < least) [best, least] = [index, seconds];
  return best;
}

/** The open candidate with the largest expected improvement. */
function most(
  { mean, variance }: Surrogate,
  least: number,
  among: readonly number[],
  open: (candidate: number) => boolean,
): number | undefined {
  let [chosen, largest]: [number | undefined, number] = [undefined, Number.NEGATIVE_INFINITY];
  for (const c of among) {
    const gain = improvement(least - mean[c], Math.sqrt(variance[c]));
    if (gain > largest && open(c)) [chosen, largest] = [c, gain];
  }
  return chosen;
}

function improvement(gap: number, deviation: number): number {
  const u = gap / deviation;
  // Far below the best the formula is nothing but rounding; what is left of the order is that of u.
  if (u < -6) return u * 1e-12;
  return deviation * (u * normal(u) + Math.exp((-u * u) / 2) / Math.sqrt(2 * Math.PI));
}

/** Φ by Abramowitz & Stegun 26.2.17, error below 1e-7. */
function normal(u: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(u));
  const tail = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const upper = (Math.exp((-u * u) / 2) / Math.sqrt(2 * Math.PI)) * tail;
  return u > 0 ? 1 - upper : upper;
}

// The default. First what is known to be good: configurations given, and the best of a cost model. Then a few at random. Then, in batches that are raced
// together, what a surrogate fitted to the measurements expects most of, with neighbours of the best among them.
//
//   expected improvement of a candidate = s · (u Φ(u) + φ(u)),   u = (best - mean) / s          Jones, Schonlau & Welch 1998
//
// Within a batch each choice is taken for measured at its mean before the next is made. A failure counts as slow as the slowest, so that its surroundings are avoided.
// Logarithms of seconds are what is modelled, and those far above the best are pressed together: where it is slow, how slow does not matter.

import { type Course, type CourseContext, follows } from '../search.ts';
import type { Space } from '../space.ts';
import { fitted, type Lengths, Surrogate } from '../surrogate.ts';

/** The surrogate looks at so many candidates at most, drawn anew at each fit where there are more. */
const POOL = 6000;
/** The lengths are found anew each time the measurements have grown by this factor. */
const REFIT = 1.35;

export const guided = follows({
  name: 'guided',
  summary: 'the best by the model, some at random, then by a surrogate of what was measured, and neighbours of the best',
  options: [
    { name: 'first', default: 12, meaning: 'configurations before the surrogate, at random where no model ranks them' },
    { name: 'ranked', default: 8, meaning: 'of those, how many the cost model chooses' },
    { name: 'batch', default: 4, meaning: 'configurations per step' },
    { name: 'neighbours', default: 1, meaning: 'of each batch, neighbours of the best' },
    { name: 'press', default: 1.5, meaning: 'logarithm above the best from which times are pressed together' },
  ],
  *course(context) {
    const { space, random, options, ranked, initial } = context;
    const begin = [...new Set([...initial, ...ranked.slice(0, options.ranked)])];
    yield [...begin, ...space.sample(Math.max(0, options.first - begin.length), random)];
    yield* refine(context);
  },
});

/** The coordinates of a configuration: the rank of each tunable that has a choice, in [0, 1]. */
function coordinatesOf(space: Space): (index: number) => Float64Array {
  const free = space.names.map((_, i) => i).filter((i) => space.values[i].length > 1);
  return (index) => Float64Array.from(free, (i) => space.rank(index, i) / (space.values[i].length - 1));
}

/** Logarithms of seconds, least 0, failures as slow as the slowest; pressed together from `press` on. */
function heights(known: ReadonlyMap<number, number>, press: number): Map<number, number> {
  const finite = [...known.values()].filter(Number.isFinite);
  const [least, most] = [Math.min(...finite), Math.max(...finite)];
  const pressed = (height: number) => (height > press ? press + Math.log1p(height - press) / 2 : height);
  return new Map([...known].map(([index, seconds]) => [index, pressed(Math.log((Number.isFinite(seconds) ? seconds : most) / least))]));
}

function* refine({ space, random, options, known }: CourseContext): Course {
  const coordinates = coordinatesOf(space);
  let hyper: Lengths | undefined;
  let fittedAt = 0;
  let pool: number[] = [];
  for (;;) {
    if (![...known.values()].some(Number.isFinite)) {
      const rest = space.sample(options.batch + known.size, random).filter((index) => !known.has(index));
      if (rest.length === 0) return;
      yield rest.slice(0, options.batch);
      continue;
    }
    const y = heights(known, options.press);
    const indices = [...y.keys()];
    const points = indices.map(coordinates);
    if (hyper === undefined || known.size >= REFIT * fittedAt) {
      hyper = fitted(points, [...y.values()], hyper);
      fittedAt = known.size;
      pool = space.size <= POOL ? Array.from({ length: space.size }, (_, index) => index) : space.sample(POOL, random);
    }
    const best = indices.reduce((a, b) => (y.get(b)! < y.get(a)! ? b : a));
    const near = [...new Set([...space.neighbours(best, 'adjacent'), ...space.neighbours(best, 'any')])];
    const candidates = [...new Set([...near, ...pool])].filter((index) => !known.has(index));
    if (candidates.length === 0) return;
    const surrogate = new Surrogate(candidates.map(coordinates), hyper);
    const [centre, scale] = standard([...y.values()]);
    for (const [i, index] of indices.entries()) surrogate.add(points[i], (y.get(index)! - centre) / scale);
    const least = (y.get(best)! - centre) / scale;
    const batch: number[] = [];
    for (let i = 0; i < options.batch && batch.length < candidates.length; i++) {
      const isNear = i >= options.batch - options.neighbours;
      const eligible = isNear ? near.filter((index) => !known.has(index) && !batch.includes(index)).length : 0;
      const chosen = most(surrogate, least, eligible > 0 ? near.length : candidates.length, (c) => batch.includes(candidates[c]));
      batch.push(candidates[chosen]);
      surrogate.add(coordinates(candidates[chosen]), surrogate.mean[chosen]);
    }
    yield batch;
  }
}

/** The candidate among the first `count` with the largest expected improvement that is not `taken`. */
function most(surrogate: Surrogate, least: number, count: number, taken: (candidate: number) => boolean): number {
  let [chosen, most] = [-1, Number.NEGATIVE_INFINITY];
  for (let c = 0; c < Math.min(count, surrogate.mean.length); c++) {
    const gain = improvement(least - surrogate.mean[c], Math.sqrt(surrogate.variance[c]));
    if (gain > most && !taken(c)) [chosen, most] = [c, gain];
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

function standard(values: readonly number[]): [centre: number, scale: number] {
  const centre = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length;
  return [centre, Math.sqrt(variance) || 1];
}

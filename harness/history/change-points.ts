// Change points: where the level of a series changed, found without assuming any distribution (E-divisive; Matteson and James 2014, "A nonparametric approach for
// multiple change point analysis of multivariate data").
//
//   Q(t) = mn / (m + n) (2 mean |x - y| - mean |x - x'| - mean |y - y'|)      x left of t (m values), y right of it (n values)
//
// The split with the largest Q is compared with the largest Q of the same values in random orders. Where it is larger than nearly all of them both parts are split
// again. Long series are looked at in windows, as Hunter does (Fleming and Kołaczkowski 2023), and what was found is tried once more between its neighbours.

import { seededRandom, shuffled } from '../../kernels/random.ts';
import { median } from '../statistics.ts';

export interface ChangePoint {
  /** The first value of the new level. */
  readonly index: number;
  /** New level over old: medians of the values up to the changes before and after. */
  readonly ratio: number;
  /** The chance that values without any change would show so clear a split. */
  readonly p: number;
}

export interface ChangeOptions {
  readonly seed: number;
  /** Least change that is told, as a share. */
  readonly magnitude?: number;
}

const LEVEL = 0.001;
/** With fewer random orders no p would be below the level. */
const ORDERS = 1999;
const WINDOW = 50;
/** Values on either side of a change at least: one that stands alone is an accident, not a level. */
const LEAST = 3;
const MAGNITUDE = 0.02;

/** The changes of level in `values`, which must be positive; ratios count, so logarithms are compared. */
export function changePoints(values: readonly number[], { seed, magnitude = MAGNITUDE }: ChangeOptions): ChangePoint[] {
  const logs = values.map(Math.log);
  const found = new Set<number>();
  for (let start = 0; start === 0 || start + WINDOW / 2 < logs.length; start += WINDOW / 2)
    for (const index of divided(logs.slice(start, start + WINDOW), seed + start)) found.add(start + index);
  return settled(logs, [...found], magnitude, seed);
}

/** Splits again and again; indices of the first values of new levels. */
function divided(logs: readonly number[], seed: number): number[] {
  const split = bestSplit(logs);
  if (!split || chance(logs, split.q, seed) >= LEVEL) return [];
  const { at } = split;
  const right = divided(logs.slice(at), seed + at).map((index) => at + index);
  return [...divided(logs.slice(0, at), seed), at, ...right];
}

/** Tries each candidate between its neighbours until all that are left stand: windows overlap, and a change may look different without another beside it. */
function settled(logs: readonly number[], candidates: readonly number[], magnitude: number, seed: number): ChangePoint[] {
  let indices = [...new Set(candidates)].sort((a, b) => a - b);
  for (;;) {
    const points = indices.map((index, i) => between(logs, indices[i - 1] ?? 0, index, indices[i + 1] ?? logs.length, seed));
    const isWeak = ({ p, ratio }: ChangePoint) => p >= LEVEL || Math.abs(Math.log(ratio)) < Math.log1p(magnitude);
    const weakest = points
      .filter(isWeak)
      .sort((a, b) => b.p - a.p || Math.abs(Math.log(a.ratio)) - Math.abs(Math.log(b.ratio)))
      .at(0);
    if (!weakest) return points;
    indices = indices.filter((index) => index !== weakest.index);
  }
}

function between(logs: readonly number[], from: number, index: number, to: number, seed: number): ChangePoint {
  const left = logs.slice(Math.max(from, index - WINDOW / 2), index);
  const right = logs.slice(index, Math.min(to, index + WINDOW / 2));
  const both = [...left, ...right];
  const q = splits(both)[left.length];
  const p = q === undefined ? 1 : chance(both, q, seed + index);
  return { index, ratio: Math.exp(median(right) - median(left)), p };
}

/** Q of every split that leaves enough on both sides, at the index of its first right value. */
function splits(values: ArrayLike<number>): number[] {
  const n = values.length;
  const result: number[] = [];
  if (n < 2 * LEAST) return result;
  const distance = (i: number, j: number) => Math.abs(values[i] - values[j]);
  let [left, right, across] = [0, 0, 0];
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) right += distance(i, j);
  for (let t = 1; t <= n - LEAST; t++) {
    // Value t - 1 moves from the right to the left.
    let [toLeft, toRight] = [0, 0];
    for (let i = 0; i < t - 1; i++) toLeft += distance(i, t - 1);
    for (let j = t; j < n; j++) toRight += distance(t - 1, j);
    left += toLeft;
    right -= toRight;
    across += toRight - toLeft;
    const m = n - t;
    if (t >= LEAST) result[t] = ((t * m) / n) * ((2 * across) / (t * m) - (2 * left) / (t * (t - 1)) - (2 * right) / (m * (m - 1)));
  }
  return result;
}

function bestSplit(values: ArrayLike<number>): { at: number; q: number } | undefined {
  let best: { at: number; q: number } | undefined;
  splits(values).forEach((q, at) => {
    if (!best || q > best.q) best = { at, q };
  });
  return best;
}

/** The share of random orders, the given one among them, whose best split is as clear as `q`. Exact only as far as it can still be below the level. */
function chance(values: readonly number[], q: number, seed: number): number {
  const random = seededRandom(seed);
  const tolerance = 1e-9 * Math.abs(q);
  let asClear = 1;
  for (let order = 1; order <= ORDERS; order++) {
    if ((bestSplit(shuffled(values, random))?.q ?? 0) >= q - tolerance) asClear++;
    // More orders cannot bring it below the level any more.
    if (asClear >= LEVEL * (ORDERS + 1)) return Math.max(asClear / (order + 1), LEVEL);
  }
  return asClear / (ORDERS + 1);
}

// What a space is expected to take where it was not measured: a Gaussian process over the ranks of the tunables.
//
//   y = log seconds;  k(a, b) = (1 + √5 r + 5/3 r²) exp(-√5 r),  r² = sum ((a_i - b_i) / l_i)²         Matérn 5/2
//   L Lᵀ = K + noise · I;  z = L⁻¹ y;  for a candidate c:  v = L⁻¹ k(c),  mean = v·z,  variance = 1 - v·v
//
// Each candidate keeps its v, so that one more measurement costs one dot product a candidate. The length l_i of each tunable is what makes the measurements
// likeliest, found one tunable after another: tunables that do not matter get a long one. Rasmussen & Williams, "Gaussian Processes for Machine
// Learning" (2006), chapters 2 and 5.

/** Lengths to choose from, in widths of a tunable's range; and shares of variance that are noise. */
const LENGTHS = [0.15, 0.3, 0.6, 1.2, 2.5, 6];
const NOISES = [0.003, 0.02, 0.1];
/** Before anything is known a tunable counts for some: weight of the preference for a length of 1, in units of log likelihood. */
const PREFERENCE = 0.35;
/** Measurements beyond this many do not take part in finding the lengths: it costs their cube. */
const FITTED = 90;

export interface Lengths {
  readonly lengths: Float64Array;
  readonly noise: number;
}

/** Coordinates of many candidates: a column for each coordinate. */
export type Columns = readonly Float64Array[];

/** The same of every candidate: k(candidate, point). */
function materns(columns: Columns, count: number, point: Float64Array, lengths: Float64Array): Float64Array {
  const k = new Float64Array(count);
  for (const [i, column] of columns.entries()) {
    const [at, length] = [point[i], lengths[i]];
    for (let c = 0; c < count; c++) {
      const step = (column[c] - at) / length;
      k[c] += step * step;
    }
  }
  for (let c = 0; c < count; c++) {
    const r = Math.sqrt(5 * k[c]);
    k[c] = (1 + r + (r * r) / 3) * Math.exp(-r);
  }
  return k;
}

function matern(a: Float64Array, b: Float64Array, lengths: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const step = (a[i] - b[i]) / lengths[i];
    sum += step * step;
  }
  const r = Math.sqrt(5 * sum);
  return (1 + r + (r * r) / 3) * Math.exp(-r);
}

/** The logarithm of how likely the measurements are, up to a constant; the scale of y is free, and so drops out. */
function likelihood(points: readonly Float64Array[], y: readonly number[], { lengths, noise }: Lengths): number {
  const n = points.length;
  const rows: Float64Array[] = [];
  const z = new Float64Array(n);
  let [logDet, squares] = [0, 0];
  for (let i = 0; i < n; i++) {
    const row = new Float64Array(i + 1);
    for (let j = 0; j <= i; j++) {
      let sum = matern(points[i], points[j], lengths) + (i === j ? noise : 0);
      const other = j === i ? row : rows[j];
      for (let m = 0; m < j; m++) sum -= row[m] * other[m];
      row[j] = j === i ? Math.sqrt(Math.max(sum, 1e-9)) : sum / other[j];
    }
    rows.push(row);
    let rest = y[i];
    for (let m = 0; m < i; m++) rest -= row[m] * z[m];
    z[i] = rest / row[i];
    logDet += Math.log(row[i]);
    squares += z[i] * z[i];
  }
  return -0.5 * n * Math.log(squares / n) - logDet;
}

/** The lengths and noise that make the measurements likeliest, one after another from those before. */
export function fitted(points: readonly Float64Array[], y: readonly number[], before?: Lengths): Lengths {
  const dimensions = points[0]?.length ?? 0;
  let best: Lengths = before ?? { lengths: new Float64Array(dimensions).fill(1.2), noise: 0.02 };
  const some = points.length > FITTED ? { points: points.slice(-FITTED), y: y.slice(-FITTED) } : { points, y };
  const centre = some.y.reduce((sum, value) => sum + value, 0) / some.y.length;
  const centred = some.y.map((value) => value - centre);
  if (centred.every((value) => value === 0)) return best;
  const score = (trial: Lengths) => {
    const prior = trial.lengths.reduce((sum, length) => sum + Math.log(length) ** 2, 0);
    return likelihood(some.points, centred, trial) - PREFERENCE * prior;
  };
  let reached = score(best);
  const consider = (trial: Lengths) => {
    const value = score(trial);
    if (value > reached) [best, reached] = [trial, value];
  };
  for (let i = 0; i < dimensions; i++)
    for (const length of LENGTHS) if (length !== best.lengths[i]) consider({ ...best, lengths: best.lengths.with(i, length) });
  for (const noise of NOISES) consider({ ...best, noise });
  return best;
}

/** Takes from k of every candidate what the rows before hold of it, four of them in a pass: passes over memory are what it costs. */
function eliminate(k: Float64Array, row: Float64Array, earlier: readonly Float64Array[]): void {
  let m = 0;
  for (; m + 4 <= earlier.length; m += 4) {
    const [a, b, c, d] = earlier.slice(m, m + 4);
    const [fa, fb, fc, fd] = row.subarray(m, m + 4);
    for (let i = 0; i < k.length; i++) k[i] = k[i] - fa * a[i] - fb * b[i] - fc * c[i] - fd * d[i];
  }
  for (; m < earlier.length; m++) {
    const [factor, one] = [row[m], earlier[m]];
    for (let i = 0; i < k.length; i++) k[i] -= factor * one[i];
  }
}

/** Means and variances of candidates, as measurements join. */
export class Surrogate {
  mean: Float64Array;
  variance: Float64Array;
  #candidates: Columns;
  #count: number;
  #hyper: Lengths;
  #points: Float64Array[] = [];
  #rows: Float64Array[] = [];
  #z: number[] = [];
  /** v of every candidate, a row for each measurement. */
  #solved: Float64Array[] = [];

  /** `count` candidates by their coordinates. */
  constructor(candidates: Columns, count: number, hyper: Lengths) {
    this.#candidates = candidates;
    this.#count = count;
    this.#hyper = hyper;
    this.mean = new Float64Array(count);
    this.variance = new Float64Array(count).fill(1);
  }

  /** Adds a measurement: coordinates, and y centred and scaled to about one. */
  add(point: Float64Array, y: number): void {
    const { lengths, noise } = this.#hyper;
    const n = this.#points.length;
    const row = new Float64Array(n + 1);
    let rest = y;
    let diagonal = 1 + noise;
    for (let j = 0; j < n; j++) {
      let sum = matern(point, this.#points[j], lengths);
      const other = this.#rows[j];
      for (let m = 0; m < j; m++) sum -= row[m] * other[m];
      row[j] = sum / other[j];
      rest -= row[j] * this.#z[j];
      diagonal -= row[j] * row[j];
    }
    row[n] = Math.sqrt(Math.max(diagonal, 1e-9));
    this.#extend(point, row, rest / row[n]);
    this.#points.push(point);
    this.#rows.push(row);
    this.#z.push(rest / row[n]);
  }

  #extend(point: Float64Array, row: Float64Array, z: number): void {
    const n = this.#points.length;
    const solved = materns(this.#candidates, this.#count, point, this.#hyper.lengths);
    eliminate(solved, row, this.#solved);
    const [mean, variance, scale] = [this.mean, this.variance, row[n]];
    for (let c = 0; c < solved.length; c++) {
      const v = solved[c] / scale;
      solved[c] = v;
      mean[c] += v * z;
      variance[c] = Math.max(1e-12, variance[c] - v * v);
    }
    this.#solved.push(solved);
  }

  /** Does `work` and takes back the measurements that it added. */
  supposing(work: () => void): void {
    const [mean, variance, count] = [this.mean.slice(), this.variance.slice(), this.#points.length];
    work();
    [this.mean, this.variance] = [mean, variance];
    for (const list of [this.#points, this.#rows, this.#z, this.#solved]) list.length = count;
  }
}

// The normal and Student's t distribution: what sample sizes, smallest detectable effects and small-sample intervals are computed from.

/** The standard normal density. */
const density = (x: number): number => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);

/** P(Z <= x) of a standard normal Z, to about 1e-15: a series near the centre, a continued fraction in the tails (Abramowitz and Stegun 26.2.11, 26.2.14). */
export function normalProbability(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (Math.abs(x) > 40) return x < 0 ? 0 : 1;
  if (Math.abs(x) < 4) {
    let term = x;
    let sum = x;
    for (let i = 1; Math.abs(term) > 1e-17 * Math.abs(sum); i++) {
      term *= (x * x) / (2 * i + 1);
      sum += term;
    }
    return 0.5 + density(x) * sum;
  }
  let fraction = 0;
  for (let i = 60; i > 0; i--) fraction = i / (Math.abs(x) + fraction);
  const tail = density(x) / (Math.abs(x) + fraction);
  return x < 0 ? tail : 1 - tail;
}

/** The x with P(Z <= x) = p, for p in (0, 1), by bisection and then Newton's steps. */
export const normalQuantile = (p: number): number => inverse(normalProbability, p);

/** ln of the gamma function for x > 0 (Lanczos 1964, the g = 7 coefficients of Godfrey). */
function logGamma(x: number): number {
  const coefficients = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
    -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  const t = x + 6.5;
  const series = coefficients.reduce((sum, c, i) => (i === 0 ? c : sum + c / (x + i - 1)), 0);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(series);
}

/** The regularised incomplete beta function I_x(a, b), by Lentz's evaluation of its continued fraction (DLMF 8.17.22). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  // The fraction converges fast on this side only; the other follows by symmetry.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b)) / a;
  const tiny = 1e-300;
  const nonZero = (value: number) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return front * fraction;
}

/** P(T <= x) of Student's t with `freedom` degrees of freedom. */
export function studentProbability(x: number, freedom: number): number {
  const tail = 0.5 * incompleteBeta(freedom / (freedom + x * x), freedom / 2, 0.5);
  return x < 0 ? tail : 1 - tail;
}

/** The x with P(T <= x) = p. */
export const studentQuantile = (p: number, freedom: number): number => inverse((x) => studentProbability(x, freedom), p);

/** The x where a distribution function that is symmetric about 0 reaches p. */
function inverse(distribution: (x: number) => number, p: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`a quantile's probability must lie between 0 and 1, not ${p}`);
  if (p > 0.5) return -inverse(distribution, 1 - p);
  let low = -1;
  while (distribution(low) > p) low *= 2;
  let high = 0;
  for (let i = 0; i < 200 && high - low > 1e-15 * Math.abs(low); i++) {
    const middle = (low + high) / 2;
    if (distribution(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

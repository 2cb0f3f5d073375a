// The sign-flip permutation test: whether paired differences lie above or below a margin, assuming nothing but that they scatter alike to both sides of it.
//
// If the true difference is the margin, each difference from it is as likely with one sign as with the other; so the sum that was seen is compared with the sums
// under flipped signs (Fisher 1935, section 21). No normality, no variance, and with n pairs never a p below 2^-n.

import { seededRandom } from '../../kernels/random.ts';

/** Up to here all 2^n assignments of signs are counted; above, this many seeded ones. */
const EXACT_PAIRS = 16;
const FLIPS = 20_000;

export interface SignFlips {
  /** The probability of a sum as large as seen, if the values lay around the margin: small where they lie above it. 1 of nothing. */
  readonly above: number;
  /** The probability of a sum as small as seen: small where they lie below it. */
  readonly below: number;
}

export function signFlips(values: readonly number[], margin: number, seed: number): SignFlips {
  const differences = Float64Array.from(values, (value) => value - margin);
  const seen = differences.reduce((sum, value) => sum + value, 0);
  // Sums of the same terms in another order differ in the last bits: they count as equal.
  const tolerance = 1e-10 * differences.reduce((sum, value) => sum + Math.abs(value), 0);
  let [assignments, above, below] = [0, 0, 0];
  for (const sum of differences.length <= EXACT_PAIRS ? everySum(differences, seen) : sampledSums(differences, seen, seed)) {
    assignments++;
    if (sum >= seen - tolerance) above++;
    if (sum <= seen + tolerance) below++;
  }
  return { above: above / assignments, below: below / assignments };
}

/** The sums under all assignments of signs, each one flip away from the one before (Gray code). */
function* everySum(differences: Float64Array, seen: number): Generator<number> {
  const signed = Float64Array.from(differences);
  let sum = seen;
  yield sum;
  for (let step = 1; step < 2 ** differences.length; step++) {
    const flipped = 31 - Math.clz32(step & -step);
    sum -= 2 * signed[flipped];
    signed[flipped] = -signed[flipped];
    yield sum;
  }
}

/** The sum that was seen, and those under seeded signs. The first is one of all: without it a p of 0 could be claimed (Phipson and Smyth 2010). */
function* sampledSums(differences: Float64Array, seen: number, seed: number): Generator<number> {
  const random = seededRandom(seed);
  yield seen;
  for (let flip = 0; flip < FLIPS; flip++) {
    let sum = 0;
    let signs = 0;
    for (let i = 0; i < differences.length; i++) {
      if (i % 32 === 0) signs = (random() * 2 ** 32) | 0;
      sum += signs & 1 ? -differences[i] : differences[i];
      signs >>>= 1;
    }
    yield sum;
  }
}

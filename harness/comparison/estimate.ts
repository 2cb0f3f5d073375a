// What the pairs of one benchmark say: the ratio with its interval, and how surely it lies beyond the margin on either side or within it.

import { hodgesLehmann, locationInterval, robustDeviation } from './location.ts';
import { smallestDetectable } from './power.ts';
import { signedRanks } from './signed-rank.ts';

/** What is asked of a comparison. */
export interface Terms {
  /** Change that is tolerated, as a share: 0.02 for 2 %. */
  readonly margin: number;
  /** Error of the screening, per benchmark and direction; of the confirmation, over all benchmarks together; of calling two arms equivalent, per benchmark. */
  readonly screenAlpha: number;
  readonly confirmAlpha: number;
  readonly equivalenceAlpha: number;
  readonly confidence: number;
  /** Wanted probability of finding a change, for sizes and smallest detectable effects. */
  readonly power: number;
}

export const TERMS: Terms = { margin: 0.02, screenAlpha: 0.01, confirmAlpha: 0.01, equivalenceAlpha: 0.05, confidence: 0.95, power: 0.95 };

/** How surely the ratio lies where. */
export interface Tests {
  /** p that the head is not slower than the margin allows, and not faster. */
  readonly pSlower: number;
  readonly pFaster: number;
  /** p that the ratio lies outside the margin: the larger of both one-sided tests (TOST, Schuirmann 1987). */
  readonly pDifferent: number;
}

export interface Estimate extends Tests {
  readonly pairs: number;
  /** head / base, of times: above 1 the head is slower. NaN without pairs. */
  readonly ratio: number;
  /** Interval of the ratio; absent with fewer than three pairs. */
  readonly low?: number;
  readonly high?: number;
  /** Standard deviation of the log ratios of pairs, found so that a few far away do not make it (location.ts). */
  readonly deviation: number;
  /** Smallest change, as a share, that so many pairs with this scatter would have found. */
  readonly detectable: number;
}

/** `logs` has one number per pair of processes: ln(head / base) of the fastest round of each side. */
export function tests(logs: readonly number[], terms: Terms): Tests {
  const margin = Math.log1p(terms.margin);
  const [upper, lower] = [signedRanks(logs, margin), signedRanks(logs, -margin)];
  return { pSlower: upper.above, pFaster: lower.below, pDifferent: Math.max(upper.below, lower.above) };
}

/** All that is said of the logs of a benchmark. */
export function estimate(logs: readonly number[], terms: Terms, seed: number): Estimate {
  const interval = locationInterval(logs, terms.confidence, seed);
  const deviation = robustDeviation(logs);
  return {
    ...tests(logs, terms),
    pairs: logs.length,
    ratio: Math.exp(hodgesLehmann(logs)),
    low: interval && Math.exp(interval.low),
    high: interval && Math.exp(interval.high),
    deviation,
    detectable: logs.length < 2 ? Infinity : smallestDetectable(logs.length, deviation, { ...terms, alpha: terms.screenAlpha }),
  };
}

// The second stage: how many pairs of fresh processes a flagged benchmark takes, when it may end sooner, and what its p is worth.
//
// It has two looks: one after EARLY_CONFIRMING pairs, one at the end. Each may err half as often as both together, whatever ends it, so a p of either counts twice (Bonferroni).

import { type Estimate, type Terms, tests } from './estimate.ts';
import { MOST_PAIRS } from './looks.ts';
import { pairsNeeded } from './power.ts';
import type { Direction } from './screening.ts';

/** Pairs of the early look: enough that one process in which threads shared a core does not undo what 19 others show. */
export const EARLY_CONFIRMING = 20;
/** Fewer than these are not worth a second look: what was flagged by lucky pairs needs them. */
const LEAST_CONFIRMING = 2 * EARLY_CONFIRMING;
const CONFIRMING_LOOKS = 2;
/** Wanted probability that the second stage finds what is there, and how far above its estimate the scatter may lie: as many standard errors of it. */
const CONFIRMING_POWER = 0.99;
const SCATTER_ERRORS = 1.28;
/** The change that the second stage is sized for: what was estimated of the flagged exaggerates. */
const SOUGHT_EFFECT = 0.05;

/** p of a change beyond the margin in that direction, with both looks counted. */
export const confirmingP = ({ pSlower, pFaster }: Pick<Estimate, 'pSlower' | 'pFaster'>, direction: Direction): number =>
  Math.min(1, CONFIRMING_LOOKS * (direction === 'slower' ? pSlower : pFaster));

/** Whether pairs of the second stage say enough at the early look: p below the level that is left to each of `flagged` benchmarks (Bonferroni, of which Holm is the sharper form). */
export const isClearEarly = (logs: readonly number[], direction: Direction, flagged: number, terms: Terms): boolean =>
  logs.length === EARLY_CONFIRMING && confirmingP(tests(logs, terms), direction) < terms.confirmAlpha / flagged;

/**
 * Pairs that the second stage takes at most for a benchmark of this scatter among `flagged` others.
 *
 * They are cheap, since only what was flagged takes them and most of it is clear early, and the scatter is known from few pairs of which the lucky ones decide early:
 * so it is reckoned with its upper bound of 90 %.
 */
export function confirmingPairs({ deviation, pairs }: Estimate, { confirmAlpha, margin }: Terms, flagged: number): number {
  const alpha = confirmAlpha / (CONFIRMING_LOOKS * Math.max(1, flagged));
  const scatter = deviation * (1 + SCATTER_ERRORS / Math.sqrt(2 * Math.max(1, pairs - 1)));
  const needed = pairsNeeded(Math.max(SOUGHT_EFFECT, margin + 0.01), scatter, { alpha, power: CONFIRMING_POWER, margin });
  return Math.min(MOST_PAIRS, Math.max(LEAST_CONFIRMING, needed));
}

// The first stage: after each planned look a benchmark is flagged as slower or faster, found equivalent, given up, or measured on.
//
// A flag is no verdict: what is flagged is measured again in fresh processes, and only those count (confirmation.ts).

import { type Estimate, estimate, type Terms, tests } from './estimate.ts';
import { hodgesLehmann, robustDeviation } from './location.ts';
import { LOOKS, levelAt, MOST_PAIRS, nextLook } from './looks.ts';
import { pairsNeeded, smallestDetectable } from './power.ts';

export type Screened =
  | { readonly state: 'open' }
  /** Decided after `pairs` pairs; what they say is computed when it is asked for. */
  | { readonly state: 'slower' | 'faster' | 'equivalent' | 'futile' | 'exhausted'; readonly pairs: number; readonly at: Estimate };

/** Where not even a change of this size would show in the end, measuring on is a waste. */
const FUTILE_EFFECT = 0.1;

/** Screens what has been measured so far. The state is that of the first look that decides, however many pairs there are: more data does not undo it. */
export function screen(logs: readonly number[], terms: Terms, seed: number): Screened {
  for (const look of LOOKS) {
    if (logs.length < look) return { state: 'open' };
    const seen = logs.slice(0, look);
    const state = stateAt(seen, terms);
    if (state)
      return {
        state,
        pairs: look,
        get at() {
          return estimate(seen, terms, seed);
        },
      };
  }
  return { state: 'open' };
}

function stateAt(seen: readonly number[], terms: Terms): Exclude<Screened['state'], 'open'> | undefined {
  const look = seen.length;
  const { pSlower, pFaster, pDifferent } = tests(seen, terms);
  const level = levelAt(look, terms.screenAlpha);
  if (pSlower <= level) return 'slower';
  if (pFaster <= level) return 'faster';
  if (pDifferent <= levelAt(look, terms.equivalenceAlpha)) return 'equivalent';
  if (nextLook(look) === undefined) return 'exhausted';
  return isFutile(seen, terms) ? 'futile' : undefined;
}

/** Whether the values scatter so much that all planned pairs would hide a change of `FUTILE_EFFECT`, and what was seen is smaller. */
function isFutile(seen: readonly number[], terms: Terms): boolean {
  const design = { ...terms, alpha: levelAt(MOST_PAIRS, terms.screenAlpha) };
  const visible = Math.log1p(smallestDetectable(MOST_PAIRS, robustDeviation(seen), design));
  return visible > Math.log1p(FUTILE_EFFECT) && Math.abs(hodgesLehmann(seen)) < visible;
}

/** The fewest pairs of the second stage: one process in which threads shared a core must not undo what 19 others show. */
const LEAST_CONFIRMING = 20;
/** Wanted probability that the second stage finds what is there, and how far above its estimate the scatter may lie: as many standard errors of it. */
const CONFIRMING_POWER = 0.99;
const SCATTER_ERRORS = 1.28;
/** The smallest change that the second stage is sized for. */
const LEAST_EFFECT = 0.05;

/**
 * Pairs that the second stage takes for a benchmark of this scatter among `flagged` others: to find what the near end of its interval says, or 5 %.
 *
 * They are cheap, since only what was flagged takes them, and the scatter is known from few pairs of which the lucky ones decide early: so it is reckoned with its upper
 * bound of 90 %.
 */
export function confirmingPairs(at: Estimate, terms: Terms, flagged: number): number {
  const alpha = terms.confirmAlpha / Math.max(1, flagged);
  // A p below alpha must be possible at all: 2^-n.
  const possible = Math.ceil(-Math.log2(alpha)) + 1;
  const scatter = at.deviation * (1 + SCATTER_ERRORS / Math.sqrt(2 * Math.max(1, at.pairs - 1)));
  const near = at.ratio >= 1 ? (at.low ?? 1) : 1 / (at.high ?? 1);
  const needed = pairsNeeded(Math.max(LEAST_EFFECT, near - 1, terms.margin + 0.01), scatter, {
    alpha,
    power: CONFIRMING_POWER,
    margin: terms.margin,
  });
  return Math.min(MOST_PAIRS, Math.max(LEAST_CONFIRMING, possible, needed));
}

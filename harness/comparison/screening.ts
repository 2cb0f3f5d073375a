// The first stage: after each planned look a benchmark is flagged as slower or faster, found equivalent, given up, or measured on.
//
// A flag is no verdict: what is flagged is measured again in fresh processes, and only those count (confirmation.ts).

import { type Estimate, estimate, type Terms, tests } from './estimate.ts';
import { hodgesLehmann, standardDeviation } from './location.ts';
import { LOOKS, levelAt, MOST_PAIRS, nextLook } from './looks.ts';
import { pairsNeeded, smallestDetectable } from './power.ts';

export type Screened =
  | { readonly state: 'open' }
  | { readonly state: 'slower' | 'faster' | 'equivalent' | 'futile' | 'exhausted'; readonly at: Estimate };

/** Where not even a change of this size would show in the end, measuring on is a waste. */
const FUTILE_EFFECT = 0.1;

/** Screens what has been measured so far. The state is that of the first look that decides, however many pairs there are: more data does not undo it. */
export function screen(logs: readonly number[], terms: Terms, seed: number): Screened {
  for (const look of LOOKS) {
    if (logs.length < look) return { state: 'open' };
    const seen = logs.slice(0, look);
    const state = stateAt(seen, terms, seed);
    if (state) return { state, at: estimate(seen, terms, seed) };
  }
  return { state: 'open' };
}

function stateAt(seen: readonly number[], terms: Terms, seed: number): Exclude<Screened['state'], 'open'> | undefined {
  const look = seen.length;
  const { pSlower, pFaster, pDifferent } = tests(seen, terms, seed);
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
  const visible = Math.log1p(smallestDetectable(MOST_PAIRS, standardDeviation(seen), design));
  return visible > Math.log1p(FUTILE_EFFECT) && Math.abs(hodgesLehmann(seen)) < visible;
}

/** Pairs that the second stage takes for a benchmark of this scatter: enough to find a change of `effect` with a power of 0.975 among `flagged` others. */
export function confirmingPairs(at: Estimate, terms: Terms, flagged: number, effect = 0.05): number {
  const alpha = terms.confirmAlpha / Math.max(1, flagged);
  // A p below alpha must be possible at all: 2^-n.
  const possible = Math.ceil(-Math.log2(alpha)) + 1;
  const needed = pairsNeeded(Math.max(effect, terms.margin + 0.01), at.deviation, { alpha, power: 0.975, margin: terms.margin });
  return Math.min(MOST_PAIRS, Math.max(LOOKS[0], possible, needed));
}

// The first stage: after each planned look a benchmark is flagged as slower or faster, found equivalent, given up, or measured on.
//
// A flag is no verdict: what is flagged is measured again in fresh processes, and only those count (confirmation.ts).

import { type Estimate, estimate, type Terms, tests } from './estimate.ts';
import { hodgesLehmann, robustDeviation } from './location.ts';
import { LOOKS, levelAt, MOST_PAIRS, nextLook } from './looks.ts';
import { smallestDetectable } from './power.ts';

export type Screened =
  | { readonly state: 'open' }
  /** Decided after `pairs` pairs; what they say is computed when it is asked for. */
  | { readonly state: 'slower' | 'faster' | 'equivalent' | 'futile' | 'exhausted'; readonly pairs: number; readonly at: Estimate };

/** Looks changed: what the second stage measures again. */
export type Direction = 'slower' | 'faster';
export type Flagged = Exclude<Screened, { state: 'open' }> & { readonly state: Direction };
export const isFlagged = (screened: Screened | undefined): screened is Flagged =>
  screened?.state === 'slower' || screened?.state === 'faster';

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

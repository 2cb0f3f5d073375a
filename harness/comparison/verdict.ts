// The verdict on each benchmark, from both stages. Only what fresh processes confirmed is a change.

import { confirmingP } from './confirmation.ts';
import { type Estimate, estimate, type Terms } from './estimate.ts';
import { LOOKS } from './looks.ts';
import { holm } from './multiplicity.ts';
import { pairsNeeded } from './power.ts';
import { isFlagged, type Screened, screen } from './screening.ts';

export type Verdict = 'regressed' | 'improved' | 'equivalent' | 'inconclusive' | 'invalid';

/** Why a verdict is what it is. */
export type ReasonCode =
  | 'confirmed' // both stages say so
  | 'not-confirmed' // flagged, but fresh processes did not show it
  | 'unconfirmed' // flagged, and the second stage was not reached
  | 'within-margin' // shown to be the same, within the margin
  | 'too-noisy' // the scatter hides changes of the margin's size
  | 'between' // neither beyond the margin nor within it
  | 'too-few-pairs' // measuring ended before the first look
  | 'environment' // too many rounds were disturbed
  | 'failed' // an arm failed
  | 'wrong' // an arm gave wrong numbers
  | 'base-only'
  | 'head-only'; // there is nothing to compare with

/** What was measured of one benchmark. */
export interface Evidence {
  readonly name: string;
  /** Log ratios of the pairs of the first stage, and of the second. */
  readonly first: readonly number[];
  readonly second: readonly number[];
  /** Why there is nothing to judge. */
  readonly invalid?: { readonly code: ReasonCode; readonly detail: string };
  /** Share of its rounds that were disturbed. */
  readonly disturbed: number;
  /** What disturbed them most often. */
  readonly disturbance?: string;
  /** Seconds that one pair takes, for what more would cost. */
  readonly pairSeconds?: number;
}

export interface Judgement {
  readonly name: string;
  readonly verdict: Verdict;
  readonly code: ReasonCode;
  /** The verdict's grounds in a line. */
  readonly reason: string;
  /** Of the second stage where there was one: the first flags what looked worst, and so exaggerates. */
  readonly estimate?: Estimate;
  /** p over all flagged benchmarks and both looks of the second stage together. */
  readonly pAdjusted?: number;
}

/** Above this share of disturbed rounds a benchmark says nothing. */
export const MOST_DISTURBED = 0.3;

/** Judges all benchmarks of a gate together. `seed` makes bootstrap and flips repeatable. */
export function judge(all: readonly Evidence[], terms: Terms, seed: number): Judgement[] {
  const screened = all.map((one, i) => (one.invalid ? undefined : screen(one.first, terms, seed + i)));
  const flagged = all.map((_, i) => i).filter((i) => isFlagged(screened[i]) && all[i].second.length > 0);
  const second = new Map(flagged.map((i) => [i, estimate(all[i].second, terms, seed + all.length + i)]));
  const slower = (i: number) => screened[i]!.state === 'slower';
  const adjusted = holm(flagged.map((i) => confirmingP(second.get(i)!, slower(i) ? 'slower' : 'faster')));
  return all.map((one, i) => {
    if (one.invalid) return { name: one.name, verdict: 'invalid', code: one.invalid.code, reason: one.invalid.detail };
    if (one.disturbed > MOST_DISTURBED) return disturbed(one, terms, seed + i);
    const confirmed = second.get(i);
    if (confirmed) return confirmation(one, confirmed, slower(i), adjusted[flagged.indexOf(i)], terms);
    return fromScreening(one, screened[i]!, terms, seed + i);
  });
}

/** The change as people say it: +7.1 % [5.2, 9.0]. */
export function percent({ ratio, low, high }: Pick<Estimate, 'ratio' | 'low' | 'high'>): string {
  const figure = (value: number) => ((value - 1) * 100).toFixed(1);
  const interval = low === undefined || high === undefined ? '' : ` [${figure(low)}, ${figure(high)}]`;
  return `${ratio >= 1 ? '+' : ''}${figure(ratio)} %${interval}`;
}

const inPercent = (share: number): string => (Number.isFinite(share) ? `${(share * 100).toFixed(1)} %` : 'any size');

function disturbed(one: Evidence, terms: Terms, seed: number): Judgement {
  const by = one.disturbance === undefined ? '' : `, most often so: ${one.disturbance}`;
  return {
    name: one.name,
    verdict: 'inconclusive',
    code: 'environment',
    reason: `${Math.round(one.disturbed * 100)} % of its rounds were disturbed${by}; run it on a quieter machine`,
    estimate: one.first.length > 0 ? estimate(one.first, terms, seed) : undefined,
  };
}

function confirmation(one: Evidence, again: Estimate, slower: boolean, pAdjusted: number, terms: Terms): Judgement {
  const beyond = slower ? (again.low ?? 0) > 1 + terms.margin : (again.high ?? Infinity) < 1 / (1 + terms.margin);
  const said = { name: one.name, estimate: again, pAdjusted };
  if (beyond && pAdjusted < terms.confirmAlpha) {
    const reason = `${percent(again)} in fresh processes, p ${pAdjusted.toPrecision(2)}`;
    return { ...said, verdict: slower ? 'regressed' : 'improved', code: 'confirmed', reason };
  }
  const reason = `looked ${slower ? 'slower' : 'faster'}, but fresh processes show ${percent(again)}, p ${pAdjusted.toPrecision(2)}`;
  return { ...said, verdict: 'inconclusive', code: 'not-confirmed', reason };
}

function fromScreening(one: Evidence, screened: Screened, terms: Terms, seed: number): Judgement {
  const seen = screened.state === 'open' ? estimate(one.first, terms, seed) : screened.at;
  const said = { name: one.name, estimate: one.first.length > 0 ? seen : undefined };
  switch (screened.state) {
    case 'equivalent':
      return { ...said, verdict: 'equivalent', code: 'within-margin', reason: `${percent(seen)}, within ${inPercent(terms.margin)}` };
    case 'slower':
    case 'faster':
      return {
        ...said,
        verdict: 'inconclusive',
        code: 'unconfirmed',
        reason: `looks ${screened.state}, ${percent(seen)}, but there was no time left to confirm it; allow more with --budget`,
      };
    case 'open':
      // The budget ended between two looks.
      if (one.first.length >= LOOKS[0]) return { ...said, ...undecided(one, seen, terms) };
      return {
        ...said,
        verdict: 'inconclusive',
        code: 'too-few-pairs',
        reason: `${one.first.length} pairs are too few; allow more with --budget`,
      };
    default:
      return { ...said, ...undecided(one, seen, terms) };
  }
}

/** Neither a change nor the absence of one: what could have been seen, and what more it would take. */
function undecided(one: Evidence, seen: Estimate, terms: Terms): Pick<Judgement, 'verdict' | 'code' | 'reason'> {
  const noisy = seen.detectable > 0.05;
  const effect = noisy ? 0.05 : terms.margin + 0.01;
  const needed = pairsNeeded(effect, seen.deviation, { ...terms, alpha: terms.screenAlpha });
  const seconds = one.pairSeconds === undefined ? '' : ` (${Math.ceil(needed * one.pairSeconds)} s)`;
  return {
    verdict: 'inconclusive',
    code: noisy ? 'too-noisy' : 'between',
    reason: `${percent(seen)}; a change of ${inPercent(seen.detectable)} would have been seen, one of ${inPercent(effect)} needs ${needed} pairs${seconds}`,
  };
}

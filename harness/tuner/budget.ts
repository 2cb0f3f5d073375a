// A budget is how much tuning one problem may cost, and the rules that end it earlier: at the roof, or when nothing improves any more.

import { UsageError } from '../suite.ts';

export interface Budget {
  /** Configurations that are measured, failures included. */
  readonly evaluations?: number;
  readonly seconds?: number;
}

/** Why a search ended, in the words that the user sees. */
export type Ending = 'evaluations' | 'time' | 'roof' | 'no improvement' | 'space exhausted' | 'interrupted';

/** A best time is good enough at this share of the measured roof. */
const ENOUGH_ROOF_PCT = 90;
/** What counts as an improvement, and after how many evaluations without one a search ends: these, or so many for each tunable. */
const IMPROVEMENT = 0.01;
const PATIENCE = 30;
const PATIENCE_EACH = 5;

const EXPECTED = "expected seconds such as 60s, a number of evaluations such as 200, or both: '60s,200'";

/** Reads `60s`, `200` or `60s,200`. Throws a UsageError that says what is wrong. */
export function parseBudget(text: string): Budget {
  const budget: { evaluations?: number; seconds?: number } = {};
  for (const item of text.split(',').map((part) => part.trim())) {
    const [, digits, unit] = /^(\d+(?:\.\d+)?)(s|m|min|h)?$/.exec(item) ?? [];
    const value = Number(digits);
    const field = unit === undefined ? 'evaluations' : 'seconds';
    if (digits === undefined || (unit === undefined && !Number.isInteger(value)))
      throw new UsageError(`--budget: '${item}' is no budget; ${EXPECTED}`);
    if (value === 0) throw new UsageError(`--budget: '${item}' leaves nothing to measure; ${EXPECTED}`);
    if (budget[field] !== undefined) throw new UsageError(`--budget: '${text}' says ${field} twice; ${EXPECTED}`);
    budget[field] = value * (unit === 'h' ? 3600 : unit?.startsWith('m') ? 60 : 1);
  }
  return budget;
}

/** What the rules look at. */
export interface Standing {
  /** Configurations of the kernel that are known by now, those of an earlier run included. */
  readonly evaluations: number;
  readonly elapsedSeconds: number;
  /** Per cent of the roof that the best reaches, in two races or more; undefined where there is no roof or no second race yet. */
  readonly roofPct?: number;
}

/** The rules over one search. */
export class StopRules {
  #budget: Budget;
  #patience: number;
  #early: boolean;
  #best = Number.POSITIVE_INFINITY;
  #sinceBest = 0;

  /** `early` allows the search to end before its budget does. */
  constructor(budget: Budget, { tunables, early }: { tunables: number; early: boolean }) {
    this.#budget = budget;
    this.#patience = Math.max(PATIENCE, PATIENCE_EACH * tunables);
    this.#early = early;
  }

  /** Notes a result: seconds, or undefined of a failure. */
  note(seconds: number | undefined): void {
    this.#sinceBest++;
    if (seconds === undefined || seconds > this.#best * (1 - IMPROVEMENT)) return;
    this.#best = seconds;
    this.#sinceBest = 0;
  }

  /** Evaluations that are left of the budget. */
  left(evaluations: number): number {
    return (this.#budget.evaluations ?? Number.POSITIVE_INFINITY) - evaluations;
  }

  /** The rule that ends the search now, if any does. */
  ending({ evaluations, elapsedSeconds, roofPct }: Standing): Ending | undefined {
    if (this.left(evaluations) <= 0) return 'evaluations';
    if (elapsedSeconds >= (this.#budget.seconds ?? Number.POSITIVE_INFINITY)) return 'time';
    if (!this.#early) return undefined;
    if (roofPct !== undefined && roofPct >= ENOUGH_ROOF_PCT) return 'roof';
    return this.#sinceBest >= this.#patience ? 'no improvement' : undefined;
  }
}

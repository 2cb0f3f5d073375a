// The verdict of a run: what the suite itself says of its rows. A suite that errs here costs its sentences, never the run.

import type { Summary } from './record.ts';
import type { Request, Suite } from './suite.ts';

export interface Verdict {
  readonly lines: readonly string[];
  /** Why there are none, where the suite failed to say them. */
  readonly failure?: Error;
}

/** Asks the suite; never throws. */
export function verdictOf(suite: Suite, rows: readonly Summary[], request: Request): Verdict {
  try {
    const lines: unknown = suite.verdict?.(rows, request) ?? [];
    if (!Array.isArray(lines) || lines.some((line) => typeof line !== 'string'))
      throw new TypeError(`verdict of the suite ${suite.name} returned ${JSON.stringify(lines)}, expected a list of sentences`);
    return { lines };
  } catch (error) {
    return { lines: [], failure: error instanceof Error ? error : new Error(String(error)) };
  }
}

// Going on with an earlier run: only on the machine that began it, and with the same seed, or its pairs would not be pairs.

import type { Environment } from './environment.ts';
import { UsageError } from './suite.ts';

/** What is looked at of the earlier run's document. */
export interface EarlierRun {
  readonly seed: number;
  readonly environment: { readonly fingerprint: string; readonly node: string };
}

/** Throws a UsageError where figures of `earlier` and of a run here and now may not stand in one table. */
export function checkResumable(earlier: EarlierRun, environment: Environment, seed: number): void {
  if (earlier.seed !== seed)
    throw new UsageError(
      `--resume: the run began with --seed ${earlier.seed}, not ${seed}; its data and order depend on it, so give the same`,
    );
  if (earlier.environment.fingerprint !== environment.fingerprint)
    throw new UsageError(
      `--resume: the run began in another environment (${earlier.environment.fingerprint}, Node ${earlier.environment.node}; here ${environment.fingerprint}, Node ${environment.node}); start a new one`,
    );
}

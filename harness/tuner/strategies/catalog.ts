// The explicit list of strategies.

import { unknownName } from '../../nearest.ts';
import { UsageError } from '../../suite.ts';
import type { Strategy } from '../strategy.ts';
import { annealing } from './annealing.ts';
import { differentialEvolution } from './differential-evolution.ts';
import { exhaustive } from './exhaustive.ts';
import { genetic } from './genetic.ts';
import { greedyIls } from './greedy-ils.ts';
import { guided } from './guided.ts';
import { random } from './random.ts';

export const strategies: readonly Strategy[] = [guided, greedyIls, annealing, genetic, differentialEvolution, random, exhaustive];

/** What `--strategy` is where nothing is said. */
export const DEFAULT_STRATEGY = guided.name;

/** The strategy of a name. Throws a UsageError with the nearest names. */
export function strategyOf(name: string): Strategy {
  const found = strategies.find((strategy) => strategy.name === name);
  if (found) return found;
  const names = strategies.map((strategy) => strategy.name);
  throw new UsageError(`--strategy: ${unknownName('strategy', name, names)}`);
}

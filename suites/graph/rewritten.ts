// One program eagerly, as a static graph without rewrites, with each rewrite by itself, with all but one, and with all.

import { firstLosses } from '../../framework/exact/net.ts';
import { type Training, trainingData } from '../../framework/exact/training.ts';
import { graph } from '../../framework/index.ts';
import type { Work } from '../../harness/suite.ts';
import { eagerly, inGraph } from './net.ts';
import { factsOf, openAt, type Place } from './place.ts';

const BOUND = 1e-5;

/** What a rewrite finds nothing without: a scale moves into a filter that is then computed before the first run, a product into an update in place. */
const NEEDS: Partial<Record<graph.Rewrite, readonly graph.Rewrite[]>> = {
  convolutionScale: ['constantFolding'],
  productUpdates: ['pointwiseChains', 'inPlaceUpdates'],
};

const only = (rewrite: graph.Rewrite): string => `only ${[rewrite, ...(NEEDS[rewrite] ?? [])].join(' and ')}`;

/** The forms of a program in which `found` are the rewrites that find something. */
export const formsOf = (found: readonly graph.Rewrite[]): string[] => [
  'eager',
  'none',
  ...found.map(only),
  ...found.map((rewrite) => `all but ${rewrite}`),
  'all',
];

/** The rewrites that a form leaves on. */
export function rewritesOf(form: string): Record<graph.Rewrite, boolean> {
  const named = form.replace(/^(only|all but) /, '').split(' and ');
  const isOn = (rewrite: graph.Rewrite): boolean =>
    form === 'all' || (form.startsWith('only ') && named.includes(rewrite)) || (form.startsWith('all but ') && !named.includes(rewrite));
  return Object.fromEntries(graph.REWRITES.map((rewrite) => [rewrite, isOn(rewrite)])) as Record<graph.Rewrite, boolean>;
}

/** Training steps in a form; the loss of each comes to the host. */
export async function trainedIn(form: string, training: Training, place: Place, seed: number): Promise<Work> {
  const device = await openAt(place);
  const data = trainingData(training, seed);
  const trained = form === 'eager' ? eagerly(training, data, device) : await inGraph(training, data, device, rewritesOf(form));
  const losses: number[] = [];
  const run = async () => {
    const loss = await trained.step();
    if (losses.length < 3) losses.push(loss);
  };
  return {
    run,
    async verify() {
      while (losses.length < 3) await run();
      const expected = firstLosses(training, data, 3);
      const at = losses.findIndex((value, i) => !(Math.abs(value - expected[i]) <= BOUND * expected[i]));
      return at < 0 ? undefined : `the loss of step ${at} is ${losses[at]}, expected ${expected[at]} within ${BOUND} of it`;
    },
    facts: () => factsOf(device, run, trained.report),
    async close() {
      await trained.close();
      await device.close();
    },
  };
}

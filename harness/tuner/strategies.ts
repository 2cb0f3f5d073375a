// The strategies, by name.

import { seededRandom, shuffled } from '../../kernels/random.ts';
import { configurationKey } from './journal.ts';
import type { Configuration, Space } from './space.ts';
import type { Search, StartOptions, Strategy } from './strategy.ts';

/** Asks through a list, leaving out what it has been told. */
function listed(configurations: Iterable<Configuration>): Search {
  const left = new Map([...configurations].map((configuration) => [configurationKey(configuration), configuration]));
  return {
    ask: (most) => [...left.values()].slice(0, most),
    tell: (outcomes) => {
      for (const { configuration } of outcomes) left.delete(configurationKey(configuration));
    },
  };
}

/**
 * Walks from the best configuration known to its neighbours, those that differ in one tunable, and on from each better one; where none is better, a few
 * configurations at random join, so that the walk can go on from another place.
 */
function walk(space: Space, { seed, initial = [] }: StartOptions): Search {
  const random = seededRandom(seed);
  const order = space.sample(space.size, random);
  const seconds = new Map<number, number>();
  const first = initial.map((configuration) => space.indexOf(configuration)).filter((index) => index >= 0);
  let [at, next] = [first[0] ?? order[0], 0];
  let wanted: number[] = [...first];
  const isNew = (index: number) => !seconds.has(index);
  const refill = () => {
    for (const index of seconds.keys()) if (seconds.get(index)! < (seconds.get(at) ?? Number.POSITIVE_INFINITY)) at = index;
    wanted = shuffled([...space.neighbours(at, 'adjacent'), ...space.neighbours(at, 'any')], random).filter(isNew);
    // Some of the rest beside the neighbours; alone where those are known.
    for (let drawn = 0; drawn < RANDOM_EACH && next < order.length; next++)
      if (isNew(order[next])) wanted.splice(drawn++ * 4, 0, order[next]);
    wanted = [...new Set(wanted)].slice(0, WALK_BATCH);
  };
  return {
    ask(most) {
      wanted = wanted.filter(isNew);
      if (wanted.length === 0) refill();
      return wanted.slice(0, most).map((index) => space.at(index));
    },
    tell: (outcomes) => {
      for (const { configuration, seconds: taken } of outcomes)
        seconds.set(space.indexOf(configuration), taken ?? Number.POSITIVE_INFINITY);
      // A better one is walked on from at once.
      if (outcomes.some((one) => (one.seconds ?? Number.POSITIVE_INFINITY) < (seconds.get(at) ?? Number.POSITIVE_INFINITY))) wanted = [];
    },
  };
}

/** Configurations that a walk plans at a time, and how many of them are random. */
const WALK_BATCH = 8;
const RANDOM_EACH = 2;

export const strategies: readonly Strategy[] = [
  { name: 'walk', summary: 'neighbours of the best, and some at random', options: [], start: walk },
  { name: 'exhaustive', summary: 'every configuration, in order', options: [], start: (space) => listed(space) },
  {
    name: 'random',
    summary: 'every configuration, in random order',
    options: [],
    start: (space, { seed }) => listed(space.sample(space.size, seededRandom(seed)).map((index) => space.at(index))),
  },
];

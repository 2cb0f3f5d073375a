// The strategies, by name.

import { seededRandom } from '../../kernels/random.ts';
import { configurationKey } from './journal.ts';
import type { Configuration } from './space.ts';
import type { Search, Strategy } from './strategy.ts';

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

export const strategies: readonly Strategy[] = [
  { name: 'exhaustive', summary: 'every configuration, in order', options: [], start: (space) => listed(space) },
  {
    name: 'random',
    summary: 'every configuration, in random order',
    options: [],
    start: (space, { seed }) => listed(space.sample(space.size, seededRandom(seed)).map((index) => space.at(index))),
  },
];

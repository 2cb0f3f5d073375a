// A genetic algorithm: of a population, the faster are likelier to be parents; a child has each tunable from one of two, some changed at random.
//
// Children that break a constraint go back to their first parent tunable by tunable until they do not. The fastest of a generation live on in the next.
// Holland 1975.

import { follows } from '../search.ts';
import type { Space } from '../space.ts';
import { ranksOf, repaired } from './moves.ts';

export const genetic = follows({
  name: 'genetic',
  summary: 'a population whose faster members have children with tunables of both parents',
  options: [
    { name: 'population', default: 20, meaning: 'configurations in a generation, at least 4' },
    { name: 'mutation', default: 0.1, meaning: 'probability that a tunable of a child is changed' },
    { name: 'elite', default: 2, meaning: 'fastest ones that live on' },
  ],
  *course({ space, random, options, initial, ranked }) {
    const size = Math.max(4, Math.floor(options.population));
    const first = [...new Set([...initial, ...ranked.slice(0, size / 4), ...space.sample(size, random)])].slice(0, size);
    let sorted = bySeconds(first, yield first);
    for (;;) {
      const elite = sorted.slice(0, Math.min(options.elite, sorted.length));
      const children = Array.from({ length: size - elite.length }, () => {
        const [a, b] = [parent(sorted, random), parent(sorted, random)];
        return child(space, a, b, options.mutation, random);
      });
      const next = [...elite, ...children];
      sorted = bySeconds(next, yield next);
    }
  },
});

function bySeconds(indices: readonly number[], seconds: readonly number[]): number[] {
  const taken = new Map(indices.map((index, i) => [index, seconds[i]]));
  return [...taken.keys()].sort((a, b) => (taken.get(a)! < taken.get(b)! ? -1 : 1));
}

/** The first of two drawn from the sorted. */
const parent = (sorted: readonly number[], random: () => number): number =>
  sorted[Math.floor(Math.min(random(), random()) * sorted.length)];

function child(space: Space, a: number, b: number, mutation: number, random: () => number): number {
  const ranks = ranksOf(space, a);
  for (let i = 0; i < ranks.length; i++) {
    if (random() < 0.5) ranks[i] = space.rank(b, i);
    if (random() < mutation) ranks[i] = Math.floor(random() * space.values[i].length);
  }
  return repaired(space, ranks, a, random);
}

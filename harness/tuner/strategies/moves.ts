// Moves in a space that several strategies make.

import { shuffled } from '../../../kernels/random.ts';
import type { Space } from '../space.ts';

/** A configuration that is `tunables` random steps from `index`, each to a neighbour. */
export function shaken(space: Space, index: number, tunables: number, random: () => number): number {
  let at = index;
  for (let i = 0; i < tunables; i++) {
    const near = space.neighbours(at, 'any');
    at = near.length > 0 ? near[Math.floor(random() * near.length)] : Math.floor(random() * space.size);
  }
  return at;
}

/** The valid configuration with these ranks; where there is none, the one that is left after going back, in random order, to those of `index`. */
export function repaired(space: Space, ranks: Int32Array, index: number, random: () => number): number {
  const order = shuffled(
    space.names.map((_, i) => i),
    random,
  );
  let found = space.indexOfRanks(ranks);
  for (const i of order) {
    if (found >= 0) return found;
    ranks[i] = space.rank(index, i);
    found = space.indexOfRanks(ranks);
  }
  return found;
}

export const ranksOf = (space: Space, index: number): Int32Array => Int32Array.from(space.names, (_, i) => space.rank(index, i));

// Greedy iterated local search: from a start to the first better neighbour, and on from there; in a hollow, a few tunables are shaken and the walk goes on.
//
// Neighbours differ in one tunable. A shaken walk is kept where its hollow is no worse than the one before. Lourenço, Martin & Stützle 2003.

import { shuffled } from '../../../kernels/random.ts';
import { type CourseContext, follows } from '../search.ts';
import { shaken } from './moves.ts';

export const greedyIls = follows({
  name: 'greedy_ils',
  summary: 'to the first better neighbour; in a hollow, some tunables are shaken',
  options: [
    { name: 'shake', default: 2, meaning: 'tunables changed to leave a hollow' },
    { name: 'restart', default: 5, meaning: 'shakes without an improvement before a fresh start' },
  ],
  *course(context) {
    const { space, random, options, initial, ranked } = context;
    const starts = [...initial, ...ranked.slice(0, 3)];
    for (;;) {
      let best = yield* descend(context, starts.shift() ?? Math.floor(random() * space.size));
      for (let shakes = 0; shakes < options.restart; shakes++) {
        const found = yield* descend(context, shaken(space, best.index, options.shake, random));
        if (found.seconds < best.seconds) shakes = -1;
        if (found.seconds <= best.seconds) best = found;
      }
    }
  },
});

interface Place {
  readonly index: number;
  readonly seconds: number;
}

/** The hollow below `start`. */
function* descend({ space, random }: CourseContext, start: number): Generator<readonly number[], Place, readonly number[]> {
  let here: Place = { index: start, seconds: (yield [start])[0] };
  for (;;) {
    let better: Place | undefined;
    for (const index of shuffled(space.neighbours(here.index, 'any'), random)) {
      const [seconds] = yield [index];
      if (seconds < here.seconds) {
        better = { index, seconds };
        break;
      }
    }
    if (!better) return here;
    here = better;
  }
}

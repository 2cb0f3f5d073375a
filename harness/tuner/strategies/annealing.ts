// Simulated annealing: a walk to random neighbours, which also goes to a slower one with probability exp(-log(slower / here) / temperature), less and less often.
//
// Kirkpatrick, Gelatt & Vecchi 1983. Times enter by their logarithm, so that the temperature is a relative slow-down, whatever the kernel takes.

import { follows } from '../search.ts';

export const annealing = follows({
  name: 'annealing',
  summary: 'simulated annealing: slower neighbours are taken too, ever more seldom',
  options: [
    { name: 'hot', default: 0.5, meaning: 'temperature at the start: a slow-down by this logarithm is taken in one of e cases' },
    { name: 'cold', default: 0.01, meaning: 'temperature below which the walk starts again from the best' },
    { name: 'cooling', default: 0.96, meaning: 'factor of the temperature at each step' },
  ],
  *course({ space, random, options, initial, ranked }) {
    let here = initial[0] ?? ranked[0] ?? Math.floor(random() * space.size);
    let [taken] = yield [here];
    let best = { index: here, seconds: taken };
    const decay = Math.min(options.cooling, 0.999);
    for (;;) {
      for (let heat = options.hot; heat > options.cold; heat *= decay) {
        const near = space.neighbours(here, random() < 0.5 ? 'adjacent' : 'any');
        const next = near.length > 0 ? near[Math.floor(random() * near.length)] : Math.floor(random() * space.size);
        const [seconds] = yield [next];
        if (seconds < best.seconds) best = { index: next, seconds };
        // From a failure to a failure, the walk drifts.
        if (seconds <= taken || random() < Math.exp(-Math.log(seconds / taken) / heat)) [here, taken] = [next, seconds];
      }
      [here, taken] = [best.index, best.seconds];
    }
  },
});

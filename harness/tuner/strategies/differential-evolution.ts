// Differential evolution: each member of a population meets a trial, best + F · (a - b) of ranks, crossed with the member; the faster of the two stays.
//
// Storn & Price 1997, "best/1/bin". Ranks are rounded and kept in range; a trial that breaks a constraint goes back to its member tunable by tunable.

import { follows } from '../search.ts';
import { ranksOf, repaired } from './moves.ts';

export const differentialEvolution = follows({
  name: 'diff_evo',
  summary: 'differential evolution: differences of members, added to the best',
  options: [
    { name: 'population', default: 15, meaning: 'configurations, at least 4' },
    { name: 'weight', default: 0.8, meaning: 'F, of the difference' },
    { name: 'crossover', default: 0.6, meaning: 'probability that a tunable comes from the trial' },
  ],
  *course({ space, random, options, initial, ranked }) {
    const size = Math.max(4, Math.floor(options.population));
    const members = [...new Set([...initial, ...ranked.slice(0, size / 4), ...space.sample(size, random)])].slice(0, size);
    const seconds = [...(yield members)];
    for (;;) {
      const best = ranksOf(space, members[seconds.indexOf(Math.min(...seconds))]);
      const trials = members.map((member) => {
        const pick = () => ranksOf(space, members[Math.floor(random() * members.length)]);
        const [a, b, ranks] = [pick(), pick(), ranksOf(space, member)];
        const always = Math.floor(random() * ranks.length);
        for (let i = 0; i < ranks.length; i++) {
          if (i !== always && random() >= options.crossover) continue;
          const rank = Math.round(best[i] + options.weight * (a[i] - b[i]));
          ranks[i] = Math.min(space.values[i].length - 1, Math.max(0, rank));
        }
        return repaired(space, ranks, member, random);
      });
      const taken = yield trials;
      for (let i = 0; i < members.length; i++) if (taken[i] <= seconds[i]) [members[i], seconds[i]] = [trials[i], taken[i]];
    }
  },
});

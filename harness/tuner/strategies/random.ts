// Configurations in random order, none twice: what every other strategy has to beat. It is within the best 5 % of a space after 59 evaluations in 95 % of runs.

import { follows } from '../search.ts';

export const random = follows({
  name: 'random',
  summary: 'configurations in random order',
  options: [],
  *course({ space, random }) {
    yield space.sample(space.size, random);
  },
});

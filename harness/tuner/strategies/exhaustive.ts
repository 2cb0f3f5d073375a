// Every configuration, in order: the only strategy that is sure, and what makes a recording that others are replayed on.

import { follows } from '../search.ts';

export const exhaustive = follows({
  name: 'exhaustive',
  summary: 'every configuration, in order',
  options: [],
  *course({ space }) {
    yield Array.from({ length: space.size }, (_, index) => index);
  },
});

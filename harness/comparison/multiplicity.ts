// Many benchmarks, one build: p values corrected for how many questions were asked, in the order given.

/** Holm's step-down adjustment (1979): the chance of any false rejection among all stays below the level at which the results are read. */
export function holm(p: readonly number[]): number[] {
  return adjusted(p, (value, rank) => value * (p.length - rank), 'ascending');
}

/** Benjamini and Hochberg's step-up adjustment (1995): the expected share of false ones among those rejected stays below the level. */
export function benjaminiHochberg(p: readonly number[]): number[] {
  return adjusted(p, (value, rank) => (value * p.length) / (rank + 1), 'descending');
}

/** Scales each p by its rank from the smallest, and keeps the result monotone in p: ascending takes running maxima, descending running minima. */
function adjusted(p: readonly number[], scale: (value: number, rank: number) => number, direction: 'ascending' | 'descending'): number[] {
  const order = p.map((_, i) => i).sort((a, b) => p[a] - p[b]);
  const result = new Array<number>(p.length);
  const ranks = direction === 'ascending' ? order.keys() : [...order.keys()].reverse();
  let bound = direction === 'ascending' ? 0 : 1;
  for (const rank of ranks) {
    const scaled = Math.min(1, scale(p[order[rank]], rank));
    bound = direction === 'ascending' ? Math.max(bound, scaled) : Math.min(bound, scaled);
    result[order[rank]] = bound;
  }
  return result;
}

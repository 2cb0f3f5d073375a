// The signed-rank test: whether paired differences lie above or below a margin, assuming nothing but that they scatter alike to both sides of it.
//
// If the true difference is the margin, each difference from it is as likely with one sign as with the other. So the sum of the ranks of those above it is compared
// with the sums under all 2^n assignments of signs (Wilcoxon 1945): a sign-flip permutation test whose statistic is ranks. Ranks, because a process in which two
// threads shared a core may lie 30 % from the others: among plain sums it would hide every change, as a rank it is one vote. It is the test that the
// Hodges-Lehmann estimate belongs to. No normality, no variance, no draws; and with n pairs never a p below 2^-n.

export interface SignedRanks {
  /** The probability of ranks as high as seen, if the values lay around the margin: small where they lie above it. 1 of nothing. */
  readonly above: number;
  /** The probability of ranks as low as seen: small where they lie below it. */
  readonly below: number;
}

export function signedRanks(values: readonly number[], margin: number): SignedRanks {
  const differences = values.map((value) => value - margin);
  const ranks = doubledRanks(differences.map(Math.abs));
  const chances = rankSums(ranks);
  // A difference of 0 has no sign: it speaks against whatever is asked.
  const sum = (counted: (difference: number) => boolean) =>
    ranks.reduce((total, rank, i) => total + (counted(differences[i]) ? rank : 0), 0);
  return {
    above: tail(
      chances,
      sum((difference) => difference > 0),
    ),
    below: tail(
      chances,
      sum((difference) => difference < 0),
    ),
  };
}

/** Twice the rank of each value, so that what ties share is a whole number. */
function doubledRanks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  // Differences of equal values from a margin differ in the last bits.
  const ties = (a: number, b: number) => values[order[b]] - values[order[a]] <= 1e-12 * values[order[b]];
  const ranks = new Array<number>(values.length);
  for (let first = 0, next = 0; first < order.length; first = next) {
    while (next < order.length && ties(first, next)) next++;
    for (let at = first; at < next; at++) ranks[order[at]] = first + next + 1;
  }
  return ranks;
}

/** The probability of each sum of ranks, where every rank counts with a probability of one half. */
function rankSums(ranks: readonly number[]): Float64Array {
  const chances = new Float64Array(ranks.reduce((sum, rank) => sum + rank, 0) + 1);
  chances[0] = 1;
  let most = 0;
  for (const rank of ranks) {
    most += rank;
    for (let sum = most; sum >= 0; sum--) chances[sum] = (chances[sum] + (sum >= rank ? chances[sum - rank] : 0)) / 2;
  }
  return chances;
}

/** The probability of a sum of at least `least`: added up from the rarest, so that none is lost. */
function tail(chances: Float64Array, least: number): number {
  let sum = 0;
  for (let at = chances.length - 1; at >= least; at--) sum += chances[at];
  return Math.min(1, sum);
}

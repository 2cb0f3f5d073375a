// Planned looks: a comparison may end early, but only after counts of pairs that were fixed beforehand, and each look may spend only its part of the error.
//
// Looking after every pair until an interval clears multiplies false alarms. Here the error spent by the time t (the share of all planned pairs) is alpha t (Kim and
// DeMets 1987, with rho = 1), and a look may reject at what it adds. That the looks share their data is not used, so the sum holds whatever the noise.

/** Pairs after which the data may be looked at. Ten are the fewest with a signed-rank p below the first level, 0.0016. */
export const LOOKS: readonly number[] = [10, 14, 20, 32, 64];
export const MOST_PAIRS = LOOKS[LOOKS.length - 1];

/** The level at which a test may reject at the look after `pairs` pairs, if all looks together may err with probability `alpha`. 0 where no look is planned. */
export function levelAt(pairs: number, alpha: number): number {
  const index = LOOKS.indexOf(pairs);
  if (index < 0) return 0;
  const spent = (count: number) => alpha * (count / MOST_PAIRS);
  return spent(pairs) - (index === 0 ? 0 : spent(LOOKS[index - 1]));
}

/** The next look after `pairs`, or undefined when there is none. */
export const nextLook = (pairs: number): number | undefined => LOOKS.find((count) => count > pairs);

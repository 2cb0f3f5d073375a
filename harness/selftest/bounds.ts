// How often something may happen that was seen k times in n: the exact bounds of Clopper and Pearson (1934). Of k = 0 the upper one is near 3 / n, the rule of three.

/** P(X <= k) of a binomial X. */
export function binomialProbability(k: number, n: number, p: number): number {
  if (k >= n || p <= 0) return 1;
  if (p >= 1) return 0;
  let logTerm = n * Math.log1p(-p);
  let sum = Math.exp(logTerm);
  for (let i = 1; i <= k; i++) {
    logTerm += Math.log((n - i + 1) / i) + Math.log(p) - Math.log1p(-p);
    sum += Math.exp(logTerm);
  }
  return Math.min(1, sum);
}

/** The largest share under which so few as k of n would still be seen with a probability of 1 - `confidence`. 1 where all were seen, or there are none. */
export function upperBound(k: number, n: number, confidence = 0.95): number {
  if (k >= n) return 1;
  let [low, high] = [0, 1];
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (binomialProbability(k, n, middle) > 1 - confidence) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The smallest share under which so many as k of n would be seen with that probability. */
export const lowerBound = (k: number, n: number, confidence = 0.95): number => (n === 0 ? 0 : 1 - upperBound(n - k, n, confidence));

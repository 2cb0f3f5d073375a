// Order statistics for charts and texts. (Verdicts and intervals come from the harness; nothing is decided here.)

/** The quantile of unsorted `values` at `p` in [0, 1], linear between order statistics (type 7 of Hyndman and Fan). NaN of nothing. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = p * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low + (high - low) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

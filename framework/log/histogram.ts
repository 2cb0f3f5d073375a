// A histogram counts values in buckets of equal width from the smallest to the largest.

/** Buckets of a histogram: as many as TensorBoard draws. */
const BUCKETS = 30;

/** Values that are not finite are left out. */
export interface Histogram {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  /** The upper end of each bucket, which belongs to the next one, but for the last. The first begins at `min`. */
  readonly limits: readonly number[];
  /** Values in each bucket. */
  readonly counts: readonly number[];
}

export function histogramOf(values: ArrayLike<number>): Histogram {
  let [count, min, max, sum, sumOfSquares] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) continue;
    count++;
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    sumOfSquares += value * value;
  }
  if (count === 0) return { count, min: 0, max: 0, sum, sumOfSquares, limits: [], counts: [] };
  const width = (max - min) / BUCKETS;
  if (!(width > 0 && Number.isFinite(width))) return { count, min, max, sum, sumOfSquares, limits: [max], counts: [count] };
  const limits = Array.from({ length: BUCKETS }, (_, i) => (i + 1 < BUCKETS ? min + (i + 1) * width : max));
  const counts = new Array<number>(BUCKETS).fill(0);
  for (let i = 0; i < values.length; i++)
    if (Number.isFinite(values[i])) counts[Math.min(BUCKETS - 1, Math.floor((values[i] - min) / width))]++;
  return { count, min, max, sum, sumOfSquares, limits, counts };
}

// Loading pictures as a case: files on disk become batches of pixels, by whatever decoder and workers a library has.

/**
 * One pass over `files` a call, from asking for the first batch to having the last: each file decoded, its shorter side resized to `shorter` (bilinear with
 * antialiasing), the middle `size` by `size` cut out, as f32 from 0 to 1 in batches [batch, 3, size, size]. Workers stay from call to call; no batch is
 * made before a call. The result is the first batch.
 */
export interface LoaderCase {
  readonly kind: 'loader';
  /** Paths in the order they are read; one may come several times. The last batch may be smaller. */
  readonly files: readonly string[];
  readonly batch: number;
  readonly shorter: number;
  readonly size: number;
  readonly workers: number;
  /** Batches that each worker may be ahead. */
  readonly prefetch: number;
  /** The mean of each picture of the first batch, as we decode it. */
  readonly means: readonly number[];
}

/** How far a picture's mean may lie from ours: decoders round differently, by far less than this in the mean. */
export const MEAN_BOUND = 2 / 255;

/** Pictures of the first batch. */
export const firstBatch = ({ files, batch }: LoaderCase): number => Math.min(files.length, batch);
export const batchElements = (asked: LoaderCase): number => firstBatch(asked) * 3 * asked.size ** 2;

/** The mean of each of `count` pictures of equal size. */
export function meansOf(values: ArrayLike<number>, count: number): number[] {
  const size = values.length / count;
  return Array.from({ length: count }, (_, picture) => {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += values[picture * size + i];
    return sum / size;
  });
}

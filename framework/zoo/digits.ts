// Synthetic digits: ten glyphs of 3 by 5 cells, scaled, moved and covered with noise, the same ones for the same seed. They stand in for MNIST where no data is.

import { seededRandom } from '../../kernels/random.ts';

/** Rows of each glyph from the top, three bits each. */
const GLYPHS = ['75557', '26227', '71747', '71717', '55711', '74717', '74757', '71244', '75757', '75717'].map((rows) =>
  [...rows].map(Number),
);

export interface Digits {
  /** [count, 1, size, size], from 0 to 1. */
  readonly images: Float32Array<ArrayBuffer>;
  /** [count], each from 0 to 9, by turns. */
  readonly labels: Int32Array<ArrayBuffer>;
}

/** `count` digits on images of `size` rows and columns, at least 8. */
export function syntheticDigits(count: number, { size = 28, seed = 0 }: { readonly size?: number; readonly seed?: number } = {}): Digits {
  if (size < 8) throw new RangeError(`syntheticDigits: size is ${size}, expected at least 8, so that a glyph can move`);
  const random = seededRandom(seed);
  const images = new Float32Array(count * size * size);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 10);
  const scale = Math.floor((size - 2) / 5);
  for (let n = 0; n < count; n++) {
    const top = Math.floor(random() * (size - 5 * scale + 1));
    const left = Math.floor(random() * (size - 3 * scale + 1));
    const ink = 0.6 + 0.4 * random();
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) {
        const [row, column] = [Math.floor((y - top) / scale), Math.floor((x - left) / scale)];
        const isInked = row >= 0 && row < 5 && column >= 0 && column < 3 && (GLYPHS[labels[n]][row] >> (2 - column)) & 1;
        images[(n * size + y) * size + x] = (isInked ? ink : 0) + 0.1 * random() * (isInked ? -1 : 1);
      }
  }
  return { images, labels };
}

// Test support: synthetic digits in the files of MNIST, in a folder of their own.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { syntheticDigits } from '../../framework/zoo/digits.ts';

/** Writes `counts` training and test images; data sets are found there until `remove` is called. */
export function digitsOnDisk(counts: { readonly train: number; readonly t10k: number }): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'digits-'));
  for (const [seed, [part, count]] of Object.entries(counts).entries()) {
    const { images, labels } = syntheticDigits(count, { seed });
    const pixels = Uint8Array.from(images, (value) => Math.round(255 * Math.max(0, Math.min(1, value))));
    writeFileSync(join(folder, `${part}-images-idx3-ubyte`), idx(3, [count, 28, 28], pixels));
    writeFileSync(join(folder, `${part}-labels-idx1-ubyte`), idx(1, [count], Uint8Array.from(labels)));
  }
  const before = process.env.TILEBENCH_DATA;
  process.env.TILEBENCH_DATA = folder;
  return {
    folder,
    remove() {
      if (before === undefined) delete process.env.TILEBENCH_DATA;
      else process.env.TILEBENCH_DATA = before;
      rmSync(folder, { recursive: true });
    },
  };
}

/** An IDX file of u8: big-endian sizes, then the elements. */
function idx(rank: number, sizes: readonly number[], elements: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4 + 4 * rank);
  header.writeUInt32BE(0x0800 + rank);
  sizes.forEach((size, i) => header.writeUInt32BE(size, 4 + 4 * i));
  return Buffer.concat([header, elements]);
}

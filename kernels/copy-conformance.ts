// What every copy kernel must pass: views that people make, in elements of every width, with nothing changed outside of the region.

import { copyReference } from './copy.ts';
import type { Device } from './device.ts';
import { type Values, valuesOf } from './dtype.ts';
import type { AnyKernel, Tunables } from './kernel.ts';
import { type CopyOptions, type CopyProblem, copy, copyOperands } from './problems/copy.ts';
import { denseStrides } from './problems/pointwise.ts';
import { seededRandom } from './random.ts';
import { trial } from './trial.ts';

/** Dense copies, slices, transposes, permutations, repeats and writes into a part, in elements of 4, 2 and 1 bytes. */
export function* awkwardCopies(): Generator<CopyProblem> {
  const at = (offset: number, ...strides: number[]) => ({ strides, offset });
  const cases: CopyOptions[] = [
    { shape: [1], from: at(0, 1), to: at(3, 1) },
    { shape: [77], from: at(2, 1), to: at(1, 1) },
    { shape: [19], from: at(5, 3), to: at(0, 2) },
    { shape: [5, 7], from: at(4, 11, 1), to: at(9, 8, 1) },
    { shape: [4, 4], from: at(0, 1, 4), to: at(0, 4, 1) },
    { shape: [33, 18], from: at(1, 1, 33), to: at(2, 18, 1) },
    { shape: [18, 35], from: at(0, 1, 20), to: at(0, 40, 1) },
    { shape: [3, 5, 6], from: at(0, 1, 3, 15), to: at(0, 30, 6, 1) },
    { shape: [2, 9, 21], from: at(7, 189, 1, 9), to: at(0, 189, 21, 1) },
    { shape: [6, 5], from: at(0, 5, 1), to: at(1, 1, 6) },
    { shape: [2, 3, 4, 5], from: at(0, 5, 40, 10, 1), to: at(3, 80, 25, 6, 1) },
    { shape: [6, 7], from: at(2, 0, 1), to: at(0, 7, 1) },
    // Parts with steps on both sides, whose rows end in a gap.
    { shape: [3, 2], from: at(1, 5, 4), to: at(1, 5, 3) },
    { shape: [2, 3, 2], from: at(0, 1, 4, 12), to: at(2, 16, 5, 4) },
    // Rows of aligned quads.
    { shape: [3, 32], from: at(16, 48, 1), to: at(32, 64, 1) },
    { shape: [5, 4], from: at(4, 0, 1), to: at(8, 12, 1) },
    { shape: [3, 3000], from: at(0, 3000, 1), to: at(0, 3001, 1) },
  ];
  for (const options of cases) for (const elementBytes of [4, 2, 1] as const) yield copy({ ...options, elementBytes });
}

/** A plain transpose of a matrix. */
export const transposed = (rows: number, columns: number): CopyProblem =>
  copy({ shape: [columns, rows], from: { strides: [1, columns], offset: 0 }, to: { strides: denseStrides([columns, rows]), offset: 0 } });

/** Runs a kernel on a problem with seeded operands; throws an Error that shows the first wrong element. */
export async function checkCopy(device: Device, kernel: AnyKernel, problem: CopyProblem, seed = 1, tunables?: Tunables): Promise<void> {
  const extents = copyOperands(problem);
  const random = seededRandom(seed);
  const draw = (name: string): Values =>
    valuesOf(
      extents[name].dtype,
      Array.from({ length: extents[name].elements }, () => Math.floor(random() * 256)),
    );
  const values = { x0: draw('x0'), out: draw('out') };
  const { out } = await trial(device, kernel, problem, { extents, values, outputs: ['out'] }, tunables);
  const expected = values.out.slice();
  copyReference(problem, values.x0, expected);
  const wrong = out.findIndex((value: number, i: number) => value !== expected[i]);
  if (wrong >= 0) throw new Error(`element ${wrong} of the destination is ${out[wrong]}, expected ${expected[wrong]}`);
}

// What kernels of gather and scatterAdd must pass: repeated, missing and outside indices, rows of odd width.

import type { Device } from './device.ts';
import { valuesOf } from './dtype.ts';
import { gatherReference, scatterAddReference } from './gather.ts';
import type { AnyKernel } from './kernel.ts';
import { type GatherProblem, gather, gatherOperands, type ScatterAddProblem, scatterAdd, scatterAddOperands } from './problems/gather.ts';
import { randomValues, seededRandom } from './random.ts';
import { trial } from './trial.ts';

const SIZES = [
  { rows: 1, width: 1, count: 1 },
  { rows: 5, width: 3, count: 17 },
  { rows: 11, width: 8, count: 4 },
  { rows: 3, width: 67, count: 100 },
  { rows: 301, width: 5, count: 70 },
];

export function* awkwardGathers(): Generator<GatherProblem> {
  for (const sizes of SIZES) yield gather(sizes);
  yield gather({ rows: 7, width: 12, count: 9, dtype: 'u8' });
  yield gather({ rows: 7, width: 6, count: 9, dtype: 'i32' });
}

export function* awkwardScatters(): Generator<ScatterAddProblem> {
  for (const sizes of SIZES) yield scatterAdd(sizes);
}

/** Seeded indices, of which about one in eight lies outside. */
function someIndices(rows: number, count: number, seed: number): Int32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const outside = [-1, rows, 2 ** 31 - 1, -(2 ** 31)];
  return Int32Array.from({ length: count }, () => (random() < 0.125 ? outside[Math.floor(random() * 4)] : Math.floor(random() * rows)));
}

function compare(got: ArrayLike<number>, expected: ArrayLike<number>): void {
  for (let at = 0; at < expected.length; at++)
    if (got[at] !== expected[at]) throw new Error(`element ${at} is ${got[at]}, expected ${expected[at]}`);
}

/** Runs a kernel on a problem with seeded operands; throws an Error that shows the first wrong element. Results are exact. */
export async function checkGather(device: Device, kernel: AnyKernel, problem: GatherProblem, seed = 1): Promise<void> {
  const extents = gatherOperands(problem);
  const random = seededRandom(seed);
  const cells = Array.from({ length: extents.table.elements }, () => Math.floor(random() * 200));
  const values = { table: valuesOf(problem.dtype, cells), indices: someIndices(problem.rows, problem.count, seed) };
  const { out } = await trial(device, kernel, problem, { extents, values, outputs: ['out'] });
  compare(out, gatherReference(problem, values.table, values.indices));
}

/** The same for scatterAdd: its sums have one order, so their bits are known. */
export async function checkScatterAdd(device: Device, kernel: AnyKernel, problem: ScatterAddProblem, seed = 1): Promise<void> {
  const extents = scatterAddOperands(problem);
  const values = { x0: randomValues(extents.x0.elements, seed), indices: someIndices(problem.rows, problem.count, seed) };
  const { out } = await trial(device, kernel, problem, { extents, values, outputs: ['out'] });
  compare(out, scatterAddReference(problem, values.x0, values.indices));
}

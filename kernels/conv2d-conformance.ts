// What every conv2d kernel must pass: forward and both gradients over windows that people use and sizes that divide nothing, checked element by element.

import { correlationOf, termsOf } from './correlation.ts';
import type { Device } from './device.ts';
import type { Values } from './dtype.ts';
import type { AnyKernel, Tunables } from './kernel.ts';
import { type Conv2dOptions, type Conv2dProblem, conv2d, conv2dOperands } from './problems/conv2d.ts';
import { randomValues } from './random.ts';
import { conv2dReference } from './references/conv2d.ts';
import { trial } from './trial.ts';

const CASES: readonly Conv2dOptions[] = [
  { input: [1, 1, 1, 1], filter: [1, 1, 1, 1] },
  { input: [3, 5, 7, 6], filter: [4, 5, 1, 1] },
  { input: [2, 8, 5, 12], filter: [12, 4, 1, 1], groups: 2 },
  { input: [2, 3, 9, 11], filter: [7, 3, 3, 3], padding: 1 },
  { input: [3, 8, 6, 12], filter: [20, 8, 3, 3], padding: 1 },
  { input: [1, 2, 13, 17], filter: [3, 2, 5, 5], padding: 2 },
  { input: [2, 3, 11, 8], filter: [5, 3, 3, 3], stride: 2, padding: 1 },
  { input: [1, 4, 10, 9], filter: [3, 4, 1, 1], stride: 2 },
  { input: [1, 3, 15, 14], filter: [2, 3, 7, 7], stride: [2, 3], padding: 3 },
  { input: [1, 2, 12, 11], filter: [3, 2, 3, 3], dilation: 2, padding: 2 },
  { input: [2, 2, 9, 13], filter: [2, 2, 3, 2], dilation: [2, 3], stride: [3, 2], padding: [2, 1] },
  { input: [3, 6, 7, 5], filter: [9, 2, 3, 3], groups: 3, padding: 1 },
  { input: [2, 5, 8, 9], filter: [5, 1, 3, 3], groups: 5, padding: 1, stride: [1, 2] },
  { input: [1, 3, 6, 7], filter: [6, 1, 3, 1], groups: 3, padding: [0, 0] },
  { input: [1, 2, 11, 14], filter: [4, 1, 3, 5], groups: 2, padding: [1, 0, 2, 1], stride: 2 },
  { input: [1, 2, 7, 8], filter: [3, 2, 2, 4], padding: 'same', stride: [1, 2] },
  { input: [1, 2, 5, 6], filter: [2, 2, 2, 3], padding: [0, 1, 3, 0] },
];

/** One channel a group: windows of 3 and 5 and others, strides of 1 and 2, planes from narrower than a vector to several bands of rows. */
const DEPTHWISE: readonly Conv2dOptions[] = [
  { input: [2, 3, 7, 7], filter: [3, 1, 3, 3], padding: 1 },
  { input: [1, 2, 14, 13], filter: [2, 1, 3, 3], padding: 1, stride: 2 },
  { input: [1, 3, 17, 33], filter: [3, 1, 5, 5], padding: 2 },
  { input: [2, 2, 15, 19], filter: [2, 1, 5, 5], padding: 2, stride: 2 },
  { input: [1, 2, 3, 2], filter: [2, 1, 3, 3], padding: 1, stride: 2 },
  { input: [1, 1, 9, 40], filter: [1, 1, 2, 4], padding: [0, 1, 3, 0], stride: [2, 1] },
  { input: [1, 2, 8, 21], filter: [2, 1, 1, 1], stride: 2 },
  { input: [1, 2, 130, 70], filter: [2, 1, 3, 3], padding: 1 },
  { input: [1, 2, 131, 70], filter: [2, 1, 3, 3], padding: [1, 0, 0, 1], stride: 2 },
  { input: [2, 2, 9, 11], filter: [6, 1, 3, 3], groups: 2, padding: 1 },
  { input: [2, 3, 19, 47], filter: [3, 1, 5, 5], padding: 2 },
  { input: [1, 2, 23, 42], filter: [2, 1, 7, 7], padding: 3 },
  { input: [1, 2, 14, 53], filter: [4, 1, 3, 3], groups: 2, padding: [1, 2, 0, 1] },
  { input: [1, 2, 13, 44], filter: [2, 1, 4, 3], padding: [0, 1, 2, 0], stride: [2, 1] },
];

/** Windows of one element: lanes that fill no strip, rows that fill no tile, more channels than a slab, groups. */
const POINTWISE: readonly Conv2dOptions[] = [
  { input: [2, 13, 7, 7], filter: [14, 13, 1, 1] },
  { input: [1, 70, 9, 11], filter: [5, 70, 1, 1] },
  { input: [1, 530, 5, 4], filter: [7, 530, 1, 1] },
  { input: [1, 3, 16, 31], filter: [130, 3, 1, 1] },
  { input: [3, 8, 6, 6], filter: [12, 4, 1, 1], groups: 2 },
  { input: [2, 9, 4, 4], filter: [6, 9, 1, 1] },
];

/** Every 1x1 case forward, with epilogues in turn, and its gradients. */
export function* pointwiseConvolutions(): Generator<Conv2dProblem> {
  for (const [turn, options] of POINTWISE.entries()) {
    yield conv2d({ ...options, epilogue: { bias: turn % 2 === 0, residual: turn % 3 < 2, relu: turn % 4 === 1 } });
    yield conv2d({ ...options, pass: 'input-grad' });
    yield conv2d({ ...options, pass: 'filter-grad' });
  }
}

/** Few channels: first layers of nets in small, with columns that fill tiles and columns that do not, filters that fill tiles and several bands of rows. */
const FIRST_LAYERS: readonly Conv2dOptions[] = [
  { input: [1, 3, 40, 42], filter: [13, 3, 7, 7], padding: 3, stride: 2 },
  { input: [2, 3, 33, 35], filter: [12, 3, 3, 3], padding: 1 },
  { input: [1, 4, 11, 37], filter: [6, 4, 3, 5], padding: [1, 0], stride: [1, 2] },
  { input: [1, 1, 90, 100], filter: [7, 1, 5, 5], padding: 2 },
  { input: [1, 2, 12, 9], filter: [4, 2, 2, 4], padding: [0, 1, 3, 0], stride: [2, 1] },
];

/** Every first layer, epilogues in turn. */
export function* firstLayers(): Generator<Conv2dProblem> {
  for (const [turn, options] of FIRST_LAYERS.entries())
    yield conv2d({ ...options, epilogue: { bias: turn % 2 === 0, residual: turn < 3, relu: turn % 3 === 1 } });
}

/** Every depthwise case in all three passes; epilogues in turn on the forward ones. */
export function* depthwiseConvolutions(): Generator<Conv2dProblem> {
  for (const [turn, each] of DEPTHWISE.entries()) {
    const options = { groups: each.input[1], ...each };
    yield conv2d({ ...options, epilogue: { bias: turn % 2 === 0, residual: turn % 4 < 2, relu: turn % 3 === 1 } });
    yield conv2d({ ...options, pass: 'input-grad' });
    yield conv2d({ ...options, pass: 'filter-grad' });
  }
}

/** Every case in all three passes; epilogues in turn on the forward ones. */
export function* awkwardConvolutions(): Generator<Conv2dProblem> {
  for (const [turn, options] of CASES.entries()) {
    yield conv2d({ ...options, epilogue: { bias: turn % 2 === 1, residual: turn % 4 >= 2, relu: turn % 3 === 1 } });
    yield conv2d({ ...options, pass: 'input-grad' });
    yield conv2d({ ...options, pass: 'filter-grad' });
  }
}

/**
 * Runs a kernel on a problem with seeded operands, the filter held for constant with every other seed; throws an Error that shows the first element whose
 * error is above the kernel's `errorFactor` times (terms + 4) · 2^-23 of the sum of the magnitudes of its terms; with a factor above 1, of the largest such sum
 * in its plane, since transforms mix what neighbouring elements are summed of. Returns the result.
 */
export async function checkConv2d(
  device: Device,
  kernel: AnyKernel,
  problem: Conv2dProblem,
  seed = 1,
  tunables: Tunables = kernel.defaults(problem, device),
): Promise<Values> {
  const extents = conv2dOperands(problem);
  const correlation = correlationOf(problem);
  const inputs = Object.keys(extents).filter((name) => name !== correlation.result);
  const values = Object.fromEntries(inputs.map((name, i) => [name, randomValues(extents[name].elements, 10 * seed + i)]));
  const written = await trial(
    device,
    kernel,
    problem,
    { extents, values, outputs: [correlation.result], constants: seed % 2 === 0 ? ['filter'] : [] },
    tunables,
  );
  const got = written[correlation.result];
  const expected = conv2dReference(problem, values);
  const bound = (kernel.errorFactor ?? 1) * (termsOf(correlation) + 4) * 2 ** -23;
  const { values: exact, scales } = expected;
  if ((kernel.errorFactor ?? 1) > 1) spreadLargest(scales, correlation.vertical.positions * correlation.horizontal.positions);
  for (let i = 0; i < got.length; i++)
    if (!(Math.abs(got[i] - exact[i]) <= bound * scales[i]))
      throw new Error(`element ${i} of ${correlation.result} is ${got[i]}, expected ${exact[i]}`);
  return got;
}

/** Gives every element of each plane the plane's largest value. */
function spreadLargest(values: Float64Array, plane: number): void {
  for (let first = 0; first < values.length; first += plane) {
    const part = values.subarray(first, first + plane);
    part.fill(part.reduce((a, b) => Math.max(a, b)));
  }
}

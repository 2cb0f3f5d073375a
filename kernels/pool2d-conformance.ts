// What every pool2d kernel must pass: windows that overlap, leave gaps and reach into padding; ties and, on the CPU, NaN; checked element by element.

import type { Device } from './device.ts';
import { type Values, valuesOf } from './dtype.ts';
import type { AnyKernel } from './kernel.ts';
import { type Pool2dOptions, type Pool2dProblem, pool2d, pool2dOperands } from './problems/pool2d.ts';
import { seededRandom } from './random.ts';
import { pool2dReference } from './references/pool2d.ts';
import { trial } from './trial.ts';

const CASES: readonly Omit<Pool2dOptions, 'kind'>[] = [
  { input: [1, 1, 1, 1], window: 1 },
  { input: [2, 3, 8, 6], window: 2 },
  { input: [1, 2, 7, 9], window: 3, stride: 2 },
  { input: [3, 2, 8, 7], window: 3, stride: 2, padding: 1 },
  { input: [1, 3, 9, 5], window: [2, 3], stride: [3, 1], padding: [1, 1] },
  { input: [2, 1, 11, 13], window: 3, stride: [2, 3], dilation: [1, 2], padding: 1 },
  { input: [1, 2, 5, 6], window: 2, stride: 1, padding: 'same' },
  { input: [1, 1, 5, 7], window: 2, stride: 3 },
  { input: [1, 2, 5, 31], window: 3, stride: [2, 3], padding: 1 },
  { input: [2, 1, 6, 23], window: [3, 2], stride: 1, dilation: [2, 3], padding: [2, 1] },
];

/** Every case of max and of both averages, forward and backward. */
export function* awkwardPools(): Generator<Pool2dProblem> {
  for (const options of CASES)
    for (const pass of ['forward', 'input-grad'] as const) {
      yield pool2d({ ...options, kind: 'max', pass });
      yield pool2d({ ...options, kind: 'average', pass });
      yield pool2d({ ...options, kind: 'average', countPadding: false, pass });
    }
}

/** Quarters of few whole numbers, so that there are ties, with some NaN and infinities among them where `special`. */
function draw(count: number, seed: number, special: boolean): Values {
  const random = seededRandom(seed);
  const one = () => (special && random() < 0.05 ? [Number.NaN, -Infinity][Math.floor(random() * 2)] : Math.floor(random() * 17 - 8) / 4);
  return valuesOf('f32', Array.from({ length: count }, one));
}

/** Runs a kernel on a problem with seeded operands; throws an Error that shows the first wrong element. Maxima and indices are exact. */
export async function checkPool2d(device: Device, kernel: AnyKernel, problem: Pool2dProblem, seed = 1): Promise<void> {
  const { kind, pass, planes, vertical, horizontal } = problem;
  const extents = pool2dOperands(problem);
  const input = draw(planes * vertical.size * horizontal.size, seed, device.kind === 'cpu' && kind === 'max' && seed % 2 === 0);
  const values: Record<string, Values> = { input };
  if (pass === 'input-grad') {
    values.outputGrad = draw(extents.outputGrad.elements, seed + 1000, false);
    if (kind === 'max') values.indices = valuesOf('i32', pool2dReference({ ...problem, pass: 'forward' }, { input }).indices);
    delete values.input;
  }
  const expected = pool2dReference(problem, { input, ...values });
  const written = await trial(device, kernel, problem, { extents, values, outputs: Object.keys(expected) });
  // Averages have a rounding for each addition and for the division, of sums of quarters up to 2 a tap.
  const bound = kind === 'max' ? 0 : 4 * vertical.window * horizontal.window * 2 ** -23;
  for (const [name, results] of Object.entries(expected))
    results.forEach((value, i) => {
      const got = written[name][i];
      if (!Object.is(got, value) && got !== value && !(Math.abs(got - value) <= bound))
        throw new Error(`element ${i} of ${name} is ${got}, expected ${value}`);
    });
}

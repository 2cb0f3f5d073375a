// What every softmax kernel must pass: rows of lengths that divide nothing, values whose exponentials overflow or vanish.

import type { Device } from './device.ts';
import { type Values, valuesOf } from './dtype.ts';
import type { AnyKernel } from './kernel.ts';
import { type SoftmaxProblem, softmax, softmaxOperands } from './problems/softmax.ts';
import { seededRandom } from './random.ts';
import { softmaxRow } from './references/softmax.ts';
import { trial } from './trial.ts';

const SHAPES = [
  [1, 1],
  [3, 7],
  [5, 10],
  [2, 64],
  [3, 1031],
] as const;

/** Both passes with and without the logarithm, over every shape. */
export function* awkwardSoftmaxes(): Generator<SoftmaxProblem> {
  for (const [rows, columns] of SHAPES)
    for (const log of [false, true]) for (const pass of ['forward', 'input-grad'] as const) yield softmax({ rows, columns, log, pass });
}

/** Runs a kernel on a problem with seeded operands about `center`; throws an Error that shows the first wrong element. */
export async function checkSoftmax(device: Device, kernel: AnyKernel, problem: SoftmaxProblem, seed = 1, center = 0): Promise<void> {
  const { rows, columns, log, pass } = problem;
  const extents = softmaxOperands(problem);
  const random = seededRandom(seed);
  const draw = () =>
    valuesOf(
      'f32',
      Array.from({ length: rows * columns }, () => center + random() * 12 - 6),
    );
  const x = draw();
  const forward = { ...problem, pass: 'forward' } as const;
  const y = Array.from({ length: rows }, (_, row) => softmaxRow(forward, { x }, row).map(({ value }) => value)).flat();
  const values: Record<string, Values> = pass === 'forward' ? { x } : { y: valuesOf('f32', y), g: draw() };
  const result = pass === 'forward' ? 'y' : 'inputGrad';
  const written = await trial(device, kernel, problem, { extents, values, outputs: [result] });
  for (let row = 0; row < rows; row++)
    for (const [i, { value, error }] of softmaxRow(problem, values, row).entries()) {
      const got = written[result][row * columns + i];
      if (!(Math.abs(got - value) <= error))
        throw new Error(
          `element [${row}, ${i}] of ${result}${log ? ', log,' : ''} is ${got}, expected ${value} within ${error.toExponential(2)}`,
        );
    }
}

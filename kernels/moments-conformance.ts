// What every moments kernel must pass: channels of lengths that divide nothing, long ones, and values far from 0, whose squares would cancel.

import type { Device } from './device.ts';
import { valuesOf } from './dtype.ts';
import type { AnyKernel } from './kernel.ts';
import { type MomentsProblem, moments, momentsOperands } from './problems/moments.ts';
import { seededRandom } from './random.ts';
import { momentsReference } from './references/moments.ts';
import { trial } from './trial.ts';

const SHAPES = [
  [1, 1, 1],
  [5, 3, 1],
  [1, 4, 67],
  [3, 2, 49],
  [2, 5, 131],
  [7, 1, 1030],
] as const;

/** Both passes over every shape. */
export function* awkwardMoments(): Generator<MomentsProblem> {
  for (const [outer, channels, inner] of SHAPES)
    for (const pass of ['forward', 'cross'] as const) yield moments({ outer, channels, inner, pass });
}

/** Runs a kernel on a problem with seeded operands about `center`; throws an Error that shows the first wrong result. */
export async function checkMoments(device: Device, kernel: AnyKernel, problem: MomentsProblem, seed = 1, center = 0.5): Promise<void> {
  const extents = momentsOperands(problem);
  const random = seededRandom(seed);
  const draw = (count: number, about: number) =>
    valuesOf(
      'f32',
      Array.from({ length: count }, () => about + random() * 4 - 2),
    );
  const values = {
    x: draw(extents.x.elements, center),
    ...(problem.pass === 'cross' && { g: draw(extents.g.elements, 0), mean: draw(extents.mean.elements, center) }),
  };
  const result = problem.pass === 'forward' ? 'moments' : 'sums';
  const written = await trial(device, kernel, problem, { extents, values, outputs: [result] });
  momentsReference(problem, values as Record<string, ArrayLike<number>>).forEach(({ value, error }, i) => {
    if (!(Math.abs(written[result][i] - value) <= error))
      throw new Error(`element ${i} of ${result} is ${written[result][i]}, expected ${value} within ${error.toExponential(2)}`);
  });
}

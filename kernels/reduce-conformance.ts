// What every reduce kernel must pass: each fold along rows and columns, over lengths that divide nothing, checked element by element.

import type { Device } from './device.ts';
import { type DType, type Values, valuesOf } from './dtype.ts';
import { apply, input, square } from './expression.ts';
import type { AnyKernel, Tunables } from './kernel.ts';
import { type Fold, type ReduceProblem, reduce, reduceOperands } from './problems/reduce.ts';
import { seededRandom } from './random.ts';
import { agrees } from './references/pointwise.ts';
import { reduceReference } from './references/reduce.ts';
import { trial } from './trial.ts';

const FOLDS: readonly Fold[] = ['sum', 'mean', 'max', 'min', 'argmax', 'argmin'];

const SHAPES = [
  [1, 1, 1],
  [3, 1, 1],
  [2, 7, 1],
  [5, 64, 1],
  [3, 167, 1],
  [1, 3, 4],
  [2, 5, 3],
  [3, 17, 23],
  [2, 9, 130],
  // More columns than a block has, more rows than a strip.
  [1, 19, 1103],
  [1, 1501, 3],
  // Rows four at a time, and some left.
  [67, 22, 1],
] as const;

/** Every fold on every shape of f32, and the other dtypes and expressions on some. */
export function* awkwardFolds(): Generator<ReduceProblem> {
  for (const fold of FOLDS) for (const [outer, reduced, inner] of SHAPES) yield reduce({ fold, outer, reduced, inner });
  for (const [outer, reduced, inner] of [
    [3, 29, 1],
    [2, 6, 7],
  ]) {
    const sizes = { outer, reduced, inner };
    for (const fold of ['sum', 'max', 'min', 'argmax', 'argmin'] as const) yield reduce({ fold, ...sizes, source: 'i32' });
    yield reduce({ fold: 'sum', ...sizes, expression: square(input(0)) });
    yield reduce({ fold: 'sum', ...sizes, expression: apply('exp', input(0)) });
    yield reduce({ fold: 'mean', ...sizes, source: 'u8', expression: apply('f32', input(0, 'i32')) });
    yield reduce({ fold: 'sum', ...sizes, source: 'bool', expression: apply('i32', input(0, 'bool')) });
  }
}

/** Seeded values: few distinct whole numbers, so that there are ties, where `special` with NaN, zeros and infinities among them; else uniform. */
function foldValues(dtype: DType, count: number, seed: number, special: boolean): Values {
  const random = seededRandom(seed);
  const draw = (): number => {
    if (dtype === 'bool') return Number(random() < 0.5);
    if (dtype === 'u8') return Math.floor(random() * 256);
    if (dtype === 'i32' || seed % 3 === 0) return Math.floor(random() * 9) - 4;
    if (special && random() < 0.02) return [Number.NaN, -Infinity, -0][Math.floor(random() * 3)];
    return random() * 4 - 1;
  };
  return valuesOf(dtype, Array.from({ length: count }, draw));
}

/** Runs a kernel on a problem with seeded operands; throws an Error that shows the first wrong element. Returns the result. */
export async function checkReduce(
  device: Device,
  kernel: AnyKernel,
  problem: ReduceProblem,
  seed = 1,
  tunables: Tunables = kernel.defaults(problem, device),
): Promise<Values> {
  const extents = reduceOperands(problem);
  // WGSL lets an implementation assume that NaN and infinity do not occur.
  const x0 = foldValues(problem.source, extents.x0.elements, seed, device.kind === 'cpu' && seed % 2 === 0);
  const { out } = await trial(device, kernel, problem, { extents, values: { x0 }, outputs: ['out'] }, tunables);
  let at = 0;
  for (const expected of reduceReference(problem, x0, device.kind)) {
    if (!agrees(out[at], expected))
      throw new Error(`element ${at} is ${out[at]}, expected ${expected.value} within ${expected.error.toExponential(2)}`);
    at++;
  }
  return out;
}

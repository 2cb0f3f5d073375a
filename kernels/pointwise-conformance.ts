// What every pointwise kernel must pass: each operation and some compositions, over layouts that divide nothing, checked element by element.

import type { Device } from './device.ts';
import { type DType, type Values, valuesOf } from './dtype.ts';
import {
  apply,
  clip,
  constant,
  type Expression,
  gelu,
  input,
  leakyRelu,
  type Operation,
  reciprocal,
  relu,
  scalar,
  sigmoid,
  square,
} from './expression.ts';
import type { AnyKernel, Tunables } from './kernel.ts';
import {
  type PointwiseInput,
  type PointwiseOptions,
  type PointwiseProblem,
  pointwise,
  pointwiseOperands,
  spanOf,
} from './problems/pointwise.ts';
import { seededRandom } from './random.ts';
import { agrees, pointwiseReference } from './references/pointwise.ts';
import { trial } from './trial.ts';

const [x, y, z] = [input(0), input(1), input(2)];
const [i, j] = [input(0, 'i32'), input(1, 'i32')];
const [p, q] = [input(0, 'bool'), input(1, 'bool')];

const of = (operations: readonly Operation[], ...operands: Expression[]): Expression[] =>
  operations.map((operation) => apply(operation, ...operands));

/** Expressions over one f32, two f32, two i32, two bool: each operation at least once. */
export const EXPRESSIONS: Readonly<Record<'f' | 'ff' | 'ii' | 'bb', readonly Expression[]>> = {
  f: [
    ...of(['neg', 'abs', 'exp', 'log', 'sqrt', 'floor', 'tanh', 'erf', 'i32', 'bool'], x),
    ...[relu(x), leakyRelu(x, 0.01), clip(x, -0.5, 0.75), square(x), reciprocal(x), sigmoid(x), gelu(x)],
    apply('add', apply('mul', x, scalar(0)), scalar(1)),
    apply('where', constant(true), constant(2.5), x),
  ],
  ff: [
    ...of(['add', 'sub', 'mul', 'div', 'pow', 'min', 'max', 'eq', 'ne', 'lt', 'le', 'gt', 'ge'], x, y),
    apply('where', apply('lt', x, y), apply('exp', x), apply('sub', apply('exp', x), y)),
  ],
  ii: [
    ...of(['neg', 'abs', 'f32', 'bool'], i),
    ...of(['add', 'sub', 'mul', 'min', 'max', 'eq', 'ne', 'lt', 'le', 'gt', 'ge'], i, j),
    apply('where', apply('gt', i, 3), i, j),
  ],
  bb: [...of(['not', 'f32', 'i32'], p), ...of(['and', 'or', 'eq', 'ne'], p, q), apply('where', p, q, apply('not', q))],
};

const DTYPE: Record<string, DType> = { f: 'f32', i: 'i32', b: 'bool' };

/** Every expression over a dense odd length, so that vectors and what is left of them are both met; scalars are 1.5 and -0.25. */
export function* everyOperation(elements = 37): Generator<PointwiseProblem> {
  for (const [kinds, expressions] of Object.entries(EXPRESSIONS))
    for (const expression of expressions)
      yield pointwise({
        shape: [elements],
        inputs: [...kinds].map((kind) => ({ dtype: DTYPE[kind] })),
        expression,
        scalars: [1.5, -0.25],
      });
}

const sum = apply('add', apply('mul', x, y), z);

/** Layouts that people write: broadcasts, transposed views, slices with offsets, in place, mixed dtypes. */
export function* awkwardLayouts(): Generator<PointwiseProblem> {
  const three = (shape: readonly number[], ...inputs: Partial<PointwiseInput>[]) => pointwise({ shape, inputs, expression: sum });
  yield three([1], {}, {}, {});
  yield three([64], { offset: 4 }, {}, { strides: [0], offset: 8 });
  yield three([5, 13], { strides: [0, 1] }, { strides: [1, 0] }, {});
  yield three([7, 24], { strides: [0, 1], offset: 4 }, { strides: [1, 7] }, { strides: [24, 1], offset: 1 });
  yield pointwise({
    shape: [4, 21],
    inputs: [{}, { strides: [1, 0] }, { strides: [0, 0] }],
    expression: apply('add', apply('mul', x, apply('exp', y)), apply('div', apply('add', y, 1), apply('exp', z))),
  });
  yield three([3, 5, 7], { strides: [0, 1, 0] }, { strides: [35, 7, 1] }, { strides: [1, 0, 3] });
  yield three([2, 3, 4, 8], { strides: [96, 8, 24, 1] }, { strides: [0, 0, 0, 0], offset: 3 }, { strides: [3, 1, 0, 0] });
  yield three([2, 3, 2, 3, 2, 3], { strides: [1, 2, 6, 12, 36, 72] }, { strides: [1, 0, 1, 0, 1, 0] }, {});
  yield three([3, 1100], { strides: [1100, 1] }, { strides: [0, 1] }, { strides: [1, 3] });
  yield three([4, 40], { strides: [80, 2], offset: 1 }, { strides: [40, 1] }, { strides: [0, 0] });
  const plain = (options: Partial<PointwiseOptions> & Pick<PointwiseOptions, 'expression' | 'inputs'>) =>
    pointwise({ shape: [3, 15], ...options });
  yield plain({ inputs: [{}, { strides: [0, 1] }], expression: apply('add', x, y), inPlace: 0 });
  yield plain({ inputs: [{ dtype: 'u8' }, { dtype: 'u8', strides: [0, 1] }], expression: apply('add', i, j), dtype: 'u8' });
  yield plain({ inputs: [{ dtype: 'u8', strides: [1, 3], offset: 2 }], expression: apply('div', apply('f32', i), 255) });
  yield plain({ inputs: [{ dtype: 'bool', strides: [1, 0] }, {}], expression: apply('where', p, y, 0) });
  yield plain({
    inputs: [{ dtype: 'bool', strides: [0, 1], offset: 1 }, { dtype: 'bool' }],
    expression: apply('and', p, q),
    dtype: 'bool',
  });
  yield plain({ inputs: [{ dtype: 'i32' }], expression: apply('i32', apply('f32', i)), dtype: 'u8', shape: [32] });
  yield plain({ inputs: [], expression: constant(3.5) });
  yield plain({ inputs: [], expression: constant(true), dtype: 'bool', shape: [13] });
}

/** Seeded values of an input: small whole numbers where it is not a float; among floats some NaN, infinities and zeros if `special`. */
function inputValues({ dtype, strides, offset }: PointwiseInput, shape: readonly number[], seed: number, special: boolean): Values {
  const random = seededRandom(seed);
  const specials = [Number.NaN, Infinity, -Infinity, 0, -0, 1, -1, 2 ** -140];
  const draw = (at: number): number => {
    if (dtype === 'bool') return Number(random() < 0.5);
    if (dtype === 'u8') return Math.floor(random() * 256);
    if (dtype === 'i32') return Math.floor(random() * 21) - 10;
    return special && at % 3 === 0 ? specials[Math.floor(random() * specials.length)] : (random() * 2 - 1) * (at % 5 === 0 ? 20 : 2);
  };
  return valuesOf(
    dtype,
    Array.from({ length: spanOf(shape, strides, offset) }, (_, at) => draw(at)),
  );
}

/** Runs a kernel on a problem with seeded operands; throws an Error that shows the first wrong element. */
export async function checkPointwise(
  device: Device,
  kernel: AnyKernel,
  problem: PointwiseProblem,
  seed = 1,
  tunables?: Tunables,
): Promise<void> {
  // WGSL lets an implementation assume that NaN and infinity do not occur; there, only finite values can be required.
  const special = device.kind === 'cpu' && seed % 2 === 0;
  const inputs = problem.inputs.map((each, at) => inputValues(each, problem.shape, 31 * seed + at, special));
  const values: Record<string, Values> = Object.fromEntries(inputs.map((each, at) => [at === problem.inPlace ? 'out' : `x${at}`, each]));
  const { out } = await trial(device, kernel, problem, { extents: pointwiseOperands(problem), values, outputs: ['out'] }, tunables);
  let at = 0;
  for (const expected of pointwiseReference(problem, inputs, device.kind)) {
    if (!agrees(out[at], expected) && (device.kind === 'cpu' || Number.isFinite(expected.value)))
      throw new Error(`element ${at} is ${out[at]}, expected ${expected.value} within ${expected.error.toExponential(2)}`);
    at++;
  }
}

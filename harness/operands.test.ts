// Whatever the op, its results are checked: a right kernel passes, and one word that is off, inside or beside them, is found.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { choose } from '../kernels/catalog.ts';
import { openCpu } from '../kernels/cpu/device.ts';
import { apply, input, relu, scalar, square } from '../kernels/expression.ts';
import { Launch } from '../kernels/launch.ts';
import {
  conv2d,
  copy,
  gather,
  matmul,
  operandExtents,
  type Problem,
  pointwise,
  pool2d,
  random,
  reduce,
  resultNames,
  scatterAdd,
} from '../kernels/problem.ts';
import { Operands } from './operands.ts';
import { ArmFailure } from './protocol.ts';

const device = await openCpu({ threads: 1 });
test.after(() => device.close());

const image = { input: [2, 4, 9, 7], filter: [6, 2, 3, 3], groups: 2, padding: 1 };
const pool = { input: [2, 3, 9, 7], window: 3, stride: 2, padding: 1 };
const PROBLEMS: readonly Problem[] = [
  matmul({ m: 5, n: 7, k: 9, epilogue: { bias: true, relu: true } }),
  conv2d({ ...image, epilogue: { bias: true, residual: true, relu: true } }),
  conv2d({ ...image, pass: 'input-grad' }),
  conv2d({ ...image, pass: 'filter-grad' }),
  pool2d({ ...pool, kind: 'max' }),
  pool2d({ ...pool, kind: 'max', pass: 'input-grad' }),
  pool2d({ ...pool, kind: 'average' }),
  pool2d({ ...pool, kind: 'average', countPadding: false, pass: 'input-grad' }),
  pointwise({ shape: [3, 5], inputs: [{}, { strides: [0, 1] }], expression: relu(apply('add', input(0), input(1))) }),
  pointwise({
    shape: [37],
    inputs: [{}, {}],
    expression: apply('add', apply('mul', input(0), scalar(0)), input(1)),
    scalars: [0.9],
    inPlace: 0,
  }),
  pointwise({ shape: [37], inputs: [{ dtype: 'i32' }], expression: apply('gt', input(0, 'i32'), 0), dtype: 'bool' }),
  reduce({ fold: 'sum', outer: 3, reduced: 17, inner: 5, expression: square(input(0)) }),
  reduce({ fold: 'argmax', outer: 3, reduced: 17 }),
  copy({ shape: [3, 5], from: { strides: [1, 3], offset: 0 }, to: { strides: [5, 1], offset: 2 } }),
  gather({ rows: 5, width: 3, count: 7 }),
  scatterAdd({ rows: 5, width: 3, count: 7 }),
  random({ distribution: 'normal', elements: 9, seed: 3 }),
];

/** Large enough that only some elements are checked, the last among them. */
const LARGE: readonly Problem[] = [
  matmul({ m: 130, n: 130, k: 130 }),
  conv2d({ input: [1, 32, 40, 40], filter: [32, 32, 3, 3] }),
  conv2d({ input: [2, 8, 40, 40], filter: [32, 8, 3, 3], pass: 'input-grad' }),
  pool2d({ kind: 'max', input: [4, 8, 32, 32], window: 2 }),
  pointwise({ shape: [2 ** 18], inputs: [{}], expression: relu(input(0)), inPlace: 0 }),
  reduce({ fold: 'mean', outer: 300, reduced: 500 }),
  copy({ shape: [1500, 1500], from: { strides: [1, 1500], offset: 0 }, to: { strides: [1500, 1], offset: 0 } }),
];

/** Runs the kernel that is chosen, lets `spoil` write into its buffers, and checks. */
async function checked(problem: Problem, spoil?: (operands: Operands) => void) {
  const before = device.memory().liveBytes;
  const { kernel, tunables } = choose(problem, device);
  const launch = new Launch(device, kernel, problem, tunables);
  const operands = new Operands(device, problem, 5);
  try {
    launch.run(operands.buffers);
    spoil?.(operands);
    return await operands.check(kernel.errorFactor);
  } finally {
    launch.free();
    operands.free();
    assert.is(device.memory().liveBytes, before);
  }
}

async function complaint(problem: Problem, spoil: (operands: Operands) => void): Promise<string> {
  const outcome = await checked(problem, spoil).then(
    () => undefined,
    (error) => error,
  );
  assert.instance(outcome, ArmFailure, `${JSON.stringify(problem)} was found right`);
  assert.is(outcome.status, 'wrong');
  return outcome.reason;
}

/** The last element of an operand of `name` that a kernel writes, in bytes; of a copy the last of its region. */
const lastOf = (problem: Problem, name: string) => {
  const { elements } = operandExtents(problem)[name];
  return Math.floor(((elements - 1) * (problem.op === 'pointwise' && problem.dtype === 'bool' ? 1 : 4)) / 4) * 4;
};

test('right results of every op pass, with an error that is small', async () => {
  for (const problem of [...PROBLEMS, ...LARGE]) {
    const accuracy = await checked(problem);
    assert.ok(accuracy && accuracy.maxRelErr < 1e-5 && accuracy.err2norm < 1e-5, JSON.stringify(problem));
  }
});

test('one word of any result that is off is found', async () => {
  const spoilt = new Uint32Array([0x41424344]);
  for (const problem of [...PROBLEMS, ...LARGE])
    for (const name of resultNames(problem)) {
      const reason = await complaint(problem, ({ buffers }) => device.write(buffers[name], spoilt, lastOf(problem, name)));
      assert.match(reason, new RegExp(`element \\d+ of ${name} is .*, expected`));
    }
});

test('a word that is changed past any result is found', async () => {
  for (const problem of PROBLEMS)
    for (const name of resultNames(problem))
      assert.match(
        await complaint(problem, ({ buffers }) => device.write(buffers[name], new Uint32Array(1), buffers[name].bytes - 64)),
        /wrote after the result, outside of its \d+ bytes/,
      );
});

test.run();

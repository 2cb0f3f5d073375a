import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { apply, input, relu } from '../../kernels/expression.ts';
import {
  type Conv2dProblem,
  conv2d,
  copy,
  gather,
  type MatmulProblem,
  matmul,
  moments,
  operandExtents,
  type Problem,
  pointwise,
  pool2d,
  random,
  reduce,
  softmax,
} from '../../kernels/problem.ts';
import { proofsBeside } from './proofs.ts';

const elements = (problem: Problem): number => Object.values(operandExtents(problem)).reduce((sum, one) => sum + one.elements, 0);

const large: Problem[] = [
  matmul({ m: 1024, n: 768, k: 512 }),
  matmul({ m: 1, n: 4096, k: 1024, transposeB: true }),
  conv2d({ input: [8, 64, 56, 56], filter: [256, 64, 3, 3], padding: 1 }),
  conv2d({ input: [1, 32, 112, 112], filter: [32, 1, 3, 3], padding: 1, groups: 32, stride: 2 }),
  conv2d({ input: [4, 1, 161, 700], filter: [32, 1, 5, 20], stride: 2 }),
  pointwise({ shape: [64, 1024], inputs: [{}, { strides: [0, 1] }], expression: relu(apply('add', input(0), input(1))) }),
  pointwise({ shape: [2 ** 20], inputs: [{}], expression: relu(input(0)), inPlace: 0 }),
  copy({ shape: [1024, 512], from: { strides: [1, 1024], offset: 0 }, to: { strides: [512, 1], offset: 0 } }),
  reduce({ fold: 'sum', outer: 256, reduced: 1024, inner: 64 }),
  softmax({ rows: 4096, columns: 1000 }),
  moments({ outer: 32, channels: 64, inner: 3136 }),
  pool2d({ kind: 'max', input: [4, 64, 112, 112], window: 3, stride: 2, padding: 1 }),
  gather({ rows: 1000, width: 1024, count: 500 }),
  random({ distribution: 'normal', elements: 2 ** 20, seed: 1 }),
];

test('proofs are two small problems of the same op, one ragged, one of the alignment of the timed one', () => {
  for (const problem of large) {
    const proofs = proofsBeside(problem);
    assert.is(proofs.length, 2, problem.op);
    for (const proof of proofs) {
      assert.is(proof.op, problem.op);
      assert.ok(elements(proof) < Math.min(elements(problem), 400_000), `${JSON.stringify(proof)}: ${elements(proof)} elements`);
    }
  }
  const [ragged, aligned] = proofsBeside(large[0]) as MatmulProblem[];
  for (const size of [ragged.m, ragged.n, ragged.k]) assert.is(size % 2, 1);
  for (const size of [aligned.m, aligned.n, aligned.k]) assert.equal([size % 4, size % 16 === 0], [0, false]);
});

test('what there are kernels of their own for stays: single rows, depthwise filters, windows', () => {
  for (const proof of proofsBeside(large[1]) as MatmulProblem[]) assert.is(proof.m, 1);
  for (const { groups, channels, filters } of proofsBeside(large[3]) as Conv2dProblem[])
    assert.equal([channels, filters], [groups, groups]);
  for (const { horizontal, vertical } of proofsBeside(large[4]) as Conv2dProblem[])
    assert.ok(horizontal.size >= 20 && vertical.size >= 5 && horizontal.window === 20);
});

test('a problem that is small already is no larger as a proof', () => {
  for (const proof of proofsBeside(matmul({ m: 3, n: 9, k: 20 })) as MatmulProblem[])
    assert.ok(proof.m === 3 && proof.n <= 9 && proof.k <= 20);
});

test.run();

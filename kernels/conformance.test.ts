// The check of kernels is itself checked: kernels with known faults must be caught, each by what it does wrong.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { awkwardProblems, check } from './conformance.ts';
import { openCpu } from './cpu/device.ts';
import { naive } from './cpu/matmul/naive.ts';
import type { Kernel, Pass, Plan } from './kernel.ts';
import { type MatmulProblem, matmul } from './problem.ts';

const device = await openCpu({ threads: 1 });
test.after(() => device.close());

/** The naive kernel with its one pass changed. */
function faulty(change: (pass: Pass, problem: MatmulProblem) => Partial<Pass>): Kernel<MatmulProblem> {
  const plan = (problem: MatmulProblem): Plan => {
    const { passes, workspace } = naive.plan(problem, {}, device);
    return { passes: passes.map((pass) => ({ ...pass, ...change(pass, problem) })), workspace };
  };
  return { ...naive, name: 'faulty', plan };
}

const withArgument = (index: number, change: (value: number) => number) =>
  faulty(({ arguments: given }) => ({ arguments: given.map((value, i) => (i === index ? change(value) : value)) }));

const problem = matmul({ m: 9, n: 7, k: 12 });

test('the plain kernel passes', async () => {
  assert.is(await check(device, naive, problem, {}), undefined);
});

test('a sum that ends too early is caught', async () => {
  assert.match(
    (await check(
      device,
      withArgument(2, (k) => k - 1),
      problem,
      {},
    ))!,
    /element \d+ \(row \d+, column \d+\) is .* above the bound/,
  );
});

test('a row that is never written is caught', async () => {
  const fault = await check(
    device,
    faulty((_pass, { m }) => ({ grid: [m - 1, 1, 1] })),
    problem,
    {},
  );
  assert.match(fault!, /row 8, column 0\) is -6259853398707798000/);
});

test('a store past the end is caught', async () => {
  const fault = await check(
    device,
    faulty((_pass, { m }) => ({ grid: [m + 1, 1, 1] })),
    problem,
    {},
  );
  assert.match(fault!, /word 0 past the end of C was overwritten/);
});

test('infinities and NaN that spread are caught', async () => {
  // Reading B along the wrong stride moves the poisoned column.
  const fault = await check(
    device,
    withArgument(6, (bj) => 2 * bj),
    problem,
    {},
    2,
  );
  assert.match(fault!, /is .*expected/);
});

test('awkward problems hold size 1, both transposes, a batch, an alpha, bias and ReLU', () => {
  const problems = [...awkwardProblems({ m: 16, n: 16, k: 16 }, 'f32')];
  for (const holds of [
    ({ m, n, k }: MatmulProblem) => m === 1 && n === 1 && k === 1,
    ({ transposeA, transposeB }: MatmulProblem) => transposeA && transposeB,
    ({ batch }: MatmulProblem) => batch > 1,
    ({ alpha }: MatmulProblem) => alpha !== 1,
    ({ epilogue }: MatmulProblem) => epilogue.bias && !epilogue.relu,
    ({ epilogue }: MatmulProblem) => epilogue.bias && epilogue.relu,
    ({ k }: MatmulProblem) => k > 1000,
  ])
    assert.ok(problems.some(holds), holds.toString());
});

test.run();

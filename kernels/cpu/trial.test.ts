import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { apply, input } from '../expression.ts';
import type { Kernel } from '../kernel.ts';
import { checkPointwise } from '../pointwise-conformance.ts';
import { type PointwiseProblem, pointwise } from '../problems/pointwise.ts';
import { type ReduceProblem, reduce } from '../problems/reduce.ts';
import { checkReduce } from '../reduce-conformance.ts';
import { openCpu } from './device.ts';
import { vectors } from './pointwise/vectors.ts';
import { vectors as folds } from './reduce/vectors.ts';

const device = await openCpu({ threads: 1 });
test.after(() => device.close());

const problem = pointwise({ shape: [21], inputs: [{}], expression: apply('exp', input(0)) });
const faulty = (changes: Partial<Kernel<PointwiseProblem>>): Kernel<PointwiseProblem> => ({ ...vectors, ...changes });

async function complaint(check: Promise<unknown>): Promise<string> {
  return check.then(
    () => 'nothing was found',
    (error) => (error as Error).message,
  );
}

/** The plan with one argument changed. */
const withArgument = (at: number, value: number) => (given: PointwiseProblem) => {
  const plan = vectors.plan(given, vectors.defaults(given, device), device);
  const [pass] = plan.passes;
  return { ...plan, passes: [{ ...pass, arguments: pass.arguments.with(at, value) }] };
};

test('a kernel that writes past its output is caught', async () => {
  const wide = faulty({
    plan: (given) => {
      const plan = withArgument(1, 24)(given);
      return { ...plan, passes: [{ ...plan.passes[0], arguments: plan.passes[0].arguments.with(4, 24) }] };
    },
  });
  assert.is(await complaint(checkPointwise(device, vectors, problem)), 'nothing was found');
  assert.match(await complaint(checkPointwise(device, wide, problem)), /word 0 past the end of out was overwritten/);
});

test('a kernel that leaves elements out, or computes something close, is caught', async () => {
  const short = faulty({ plan: withArgument(4, 20) });
  assert.match(await complaint(checkPointwise(device, short, problem)), /element 20 is -6259\d+, expected/);
  const close = apply('mul', apply('exp', input(0)), 1 + 2 ** -20);
  const other = faulty({ generate: () => vectors.generate({ ...problem, expression: close }, { STREAMS: 1 }, device) });
  assert.match(await complaint(checkPointwise(device, other, problem)), /element 0 is [\d.e+-]+, expected .* within/);
});

test('a fold that drops its last element is caught', async () => {
  const sum = reduce({ fold: 'sum', outer: 3, reduced: 37 });
  const dropping: Kernel<ReduceProblem> = {
    ...folds,
    plan: (given) => {
      const plan = folds.plan(given, folds.defaults(given, device), device);
      return { ...plan, passes: [{ ...plan.passes[0], arguments: plan.passes[0].arguments.with(4, 36) }] };
    },
  };
  assert.match(await complaint(checkReduce(device, dropping, sum)), /element 0 is/);
  assert.is(await complaint(checkReduce(device, folds, sum)), 'nothing was found');
});

test.run();

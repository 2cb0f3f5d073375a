import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ReduceProblem, reduce } from '../../problems/reduce.ts';
import { reduceVariant } from '../../reduce.ts';
import { awkwardFolds, checkReduce } from '../../reduce-conformance.ts';
import { webgpuForTests } from '../adapter.ts';
import { tree } from './tree.ts';

const device = await webgpuForTests();

if (device) {
  test.after(() => device.close());

  const checkAll = async (problems: Iterable<ReduceProblem>) => {
    let seed = 0;
    for (const problem of problems) {
      const { outer, reduced, inner } = problem;
      await checkReduce(device, tree, problem, ++seed).catch((error) => {
        assert.unreachable(`${reduceVariant(problem)} [${outer}, ${reduced}, ${inner}], seed ${seed}: ${error.message}`);
      });
    }
  };

  test('every fold on awkward shapes, with ties', () => checkAll(awkwardFolds()));

  test('long folds go through chunks', () =>
    checkAll([
      reduce({ fold: 'sum', outer: 2, reduced: 9001, inner: 1 }),
      reduce({ fold: 'mean', outer: 1, reduced: 601, inner: 67 }),
      reduce({ fold: 'argmax', outer: 2, reduced: 8200, inner: 1 }),
      reduce({ fold: 'argmin', outer: 1, reduced: 700, inner: 3 }),
    ]));

  test('f16 is read', () => checkAll([reduce({ fold: 'sum', outer: 3, reduced: 21, source: 'f16' })]));
}

test.run();

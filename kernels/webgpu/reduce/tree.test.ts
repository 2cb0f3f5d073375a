import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { input, square } from '../../expression.ts';
import type { Tunables } from '../../kernel.ts';
import { type ReduceProblem, reduce } from '../../problems/reduce.ts';
import { reduceVariant } from '../../reduce.ts';
import { awkwardFolds, checkReduce } from '../../reduce-conformance.ts';
import { webgpuForTests } from '../adapter.ts';
import { tree } from './tree.ts';

const device = await webgpuForTests();

if (device) {
  test.after(() => device.close());

  const checkAll = async (problems: Iterable<ReduceProblem>, tunables?: Tunables) => {
    let seed = 0;
    for (const problem of problems) {
      const { outer, reduced, inner } = problem;
      await checkReduce(device, tree, problem, ++seed, tunables).catch((error) => {
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

  test('rows of quads, with any number of lanes to a row', async () => {
    for (const LANES of [1, 8, 64])
      await checkAll(
        [
          reduce({ fold: 'sum', outer: 67, reduced: 132, expression: square(input(0)) }),
          reduce({ fold: 'max', outer: 5, reduced: 68 }),
          reduce({ fold: 'min', outer: 9, reduced: 260 }),
          reduce({ fold: 'mean', outer: 2, reduced: 8204 }),
          reduce({ fold: 'argmax', outer: 19, reduced: 76 }),
          reduce({ fold: 'sum', outer: 3, reduced: 77 }),
        ],
        { LANES },
      );
  });

  test('f16 is read', () => checkAll([reduce({ fold: 'sum', outer: 3, reduced: 21, source: 'f16' })]));
}

test.run();

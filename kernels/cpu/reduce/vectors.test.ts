import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { reduce } from '../../problems/reduce.ts';
import { reduceVariant } from '../../reduce.ts';
import { awkwardFolds, checkReduce } from '../../reduce-conformance.ts';
import { openCpu } from '../device.ts';
import { vectors } from './vectors.ts';

const two = await openCpu({ threads: 2 });
const one = await openCpu({ threads: 1, flags: 'default' });
test.after(async () => {
  await two.close();
  await one.close();
});

test('every fold on awkward shapes, with ties and NaN', async () => {
  let seed = 0;
  for (let turn = 0; turn < 3; turn++)
    for (const problem of awkwardFolds()) {
      const { outer, reduced, inner } = problem;
      await checkReduce(seed % 2 ? one : two, vectors, problem, ++seed).catch((error) => {
        assert.unreachable(`${reduceVariant(problem)} [${outer}, ${reduced}, ${inner}], seed ${seed}: ${error.message}`);
      });
    }
});

test('large folds are cut into chunks, and give the same bits for any number of threads', async () => {
  for (const fold of ['sum', 'mean', 'max'] as const)
    for (const [outer, reduced, inner] of [
      [1, 300_007, 1],
      [2, 50_001, 5],
      [40, 10_001, 1],
      [1, 331, 1501],
    ]) {
      const problem = reduce({ fold, outer, reduced, inner });
      assert.is(vectors.plan(problem, vectors.defaults(problem, two), two).passes.length, outer === 40 ? 1 : 2);
      assert.equal(await checkReduce(two, vectors, problem), await checkReduce(one, vectors, problem));
    }
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { apply, input } from '../../expression.ts';
import { pointwiseVariant } from '../../pointwise.ts';
import { awkwardLayouts, checkPointwise, everyOperation } from '../../pointwise-conformance.ts';
import { type PointwiseProblem, pointwise } from '../../problems/pointwise.ts';
import { tunablesByTurn } from '../../trial.ts';
import { webgpuForTests } from '../adapter.ts';
import { openWebgpu } from '../device.ts';
import { vectors } from './vectors.ts';

const device = await webgpuForTests();

function* halves(): Generator<PointwiseProblem> {
  const [x, y] = [input(0), input(1)];
  for (const shape of [
    [7, 9],
    [8, 16],
  ]) {
    yield pointwise({ shape, inputs: [{ dtype: 'f16' }, { dtype: 'f16', strides: [0, 1] }], expression: apply('add', x, y) });
    yield pointwise({ shape, inputs: [{}, { dtype: 'f16', strides: [1, shape[0]] }], expression: apply('mul', x, y), dtype: 'f16' });
    yield pointwise({ shape, inputs: [{ dtype: 'f16' }], expression: apply('mul', x, 2), dtype: 'f16', inPlace: 0 });
  }
}

if (device) {
  test.after(() => device.close());

  const checkAll = async (problems: Iterable<PointwiseProblem>) => {
    let seed = 0;
    for (const problem of problems)
      await checkPointwise(device, vectors, problem, ++seed, tunablesByTurn(device, vectors, problem, seed)).catch((error) => {
        assert.unreachable(`${pointwiseVariant(problem)} [${problem.shape}], seed ${seed}: ${error.message}`);
      });
  };

  test('every operation, alone and four at a time', () => checkAll([...everyOperation(37), ...everyOperation(40)]));

  test('awkward layouts', () => checkAll(awkwardLayouts()));

  test('f16 is loaded and stored', () => checkAll(halves()));

  test('the code is valid where the device has f16 of its own', async () => {
    const complete = await openWebgpu({ adapter: 'null' });
    assert.ok(complete.features.has('shader-f16'));
    for (const problem of halves()) await complete.prepare(vectors.generate(problem, vectors.defaults(problem, complete), complete)).ready;
    await complete.close();
  });

  test('constants that WGSL cannot write are refused', () => {
    const problem = pointwise({ shape: [3], inputs: [{}], expression: apply('min', input(0), Infinity) });
    assert.match(vectors.rejects(problem, device) ?? '', /not finite/);
  });
}

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { apply, input } from '../../expression.ts';
import { pointwiseVariant } from '../../pointwise.ts';
import { awkwardLayouts, checkPointwise, everyOperation } from '../../pointwise-conformance.ts';
import { type PointwiseProblem, pointwise } from '../../problems/pointwise.ts';
import { openCpu } from '../device.ts';
import { vectors } from './vectors.ts';

const tuned = await openCpu({ threads: 2 });
const plain = await openCpu({ threads: 1, flags: 'default' });
test.after(async () => {
  await tuned.close();
  await plain.close();
});

async function checkAll(problems: Iterable<PointwiseProblem>): Promise<void> {
  let seed = 0;
  for (const device of [tuned, plain])
    for (const problem of problems) {
      seed++;
      await checkPointwise(device, vectors, problem, seed).catch((error) => {
        assert.unreachable(`${pointwiseVariant(problem)} [${problem.shape}], seed ${seed}: ${error.message}`);
      });
    }
}

test('every operation, with NaN, infinities and denormals among the values', async () => {
  await checkAll([...everyOperation(), ...everyOperation()]);
});

test('awkward layouts', () => checkAll([...awkwardLayouts(), ...awkwardLayouts()]));

test('rows in any number of streams, that do not divide them', async () => {
  const sum = apply('add', input(0), apply('f32', input(1, 'i32')));
  for (const STREAMS of vectors.tunables.STREAMS)
    for (const [columns, inPlace] of [
      [31, undefined],
      [193, 0],
      [517, undefined],
    ] as const)
      for (const [first, second] of [
        [
          [columns, 1],
          [0, 1],
        ],
        [
          [columns, 1],
          [1, 0],
        ],
        [
          [columns, 1],
          [columns, 1],
        ],
      ]) {
        const inputs = [{ strides: first }, { dtype: 'u8', strides: second } as const];
        const problem = pointwise({ shape: [3, columns], inputs, expression: sum, inPlace });
        for (const device of [tuned, plain])
          await checkPointwise(device, vectors, problem, columns, { ...vectors.defaults(problem, device), STREAMS });
      }
});

test('rows of whole lines as one, in any number of streams, with rows of an input that repeat, overlap or leave gaps', async () => {
  const difference = apply('sub', input(0), input(1));
  let seed = 0;
  for (const STREAMS of vectors.tunables.STREAMS)
    for (const shape of [
      [1, 16],
      [3, 16],
      [5, 48],
      [7, 64],
      [13, 1024],
      [64, 16],
      [33, 80],
    ])
      for (const stride of [0, 1, 7, 2 * shape[1]]) {
        seed++;
        const problem = pointwise({
          shape,
          inputs: [{}, { strides: [stride, 1] }],
          expression: difference,
          inPlace: seed % 2 ? 0 : undefined,
        });
        for (const device of [tuned, plain])
          await checkPointwise(device, vectors, problem, seed, { ...vectors.defaults(problem, device), STREAMS });
      }
});

test('large problems are shared by threads: long rows in pieces, many rows in blocks', async () => {
  const add = apply('add', input(0), input(1));
  for (const [shape, layouts] of [
    [[300_001], [[1], [2]]],
    [
      [3, 100_001],
      [
        [100_001, 1],
        [0, 1],
        [1, 3],
        [1, 0],
      ],
    ],
    [
      [100_001, 3],
      [
        [3, 1],
        [0, 1],
        [1, 100_001],
        [1, 0],
      ],
    ],
  ])
    for (const strides of layouts as number[][]) {
      const problem = pointwise({ shape: shape as number[], inputs: [{}, { strides }], expression: add });
      const [pass] = vectors.plan(problem, vectors.defaults(problem, tuned), tuned).passes;
      assert.ok(pass.grid[0] > 1);
      await checkPointwise(tuned, vectors, problem);
    }
});

test.run();

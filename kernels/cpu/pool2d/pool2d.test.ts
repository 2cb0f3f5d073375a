import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { awkwardPools, checkPool2d } from '../../pool2d-conformance.ts';
import { pool2d } from '../../problems/pool2d.ts';
import { openCpu } from '../device.ts';
import { direct } from './direct.ts';
import { scatter } from './scatter.ts';
import { vectors } from './vectors.ts';

const device = await openCpu({ threads: 2 });
test.after(() => device.close());

test('max and average, forward and backward, small and shared by threads', async () => {
  const large = { input: [2, 8, 131, 130], window: 3, stride: 2, padding: 1 };
  let seed = 0;
  const shared = (['max', 'average'] as const).flatMap((kind) => [
    pool2d({ ...large, kind }),
    pool2d({ ...large, kind, pass: 'input-grad' }),
  ]);
  for (const kernel of [direct, vectors, scatter])
    for (const problem of [...awkwardPools(), ...awkwardPools(), ...shared])
      if (kernel.rejects(problem, device) === undefined)
        await checkPool2d(device, kernel, problem, ++seed).catch((error) => {
          assert.unreachable(`${kernel.name} ${JSON.stringify(problem)}: ${error.message}`);
        });
});

test('bad windows are refused with their values', () => {
  assert.throws(
    () => pool2d({ kind: 'max', input: [1, 1, 2, 2], window: 3 }),
    /pool2d: a window of 3 taps .* more than the 2 of the padded input/,
  );
  assert.throws(
    () => pool2d({ kind: 'max', input: [1, 1, 4, 4], window: 2, padding: 2 }),
    /window 0 of 2 taps holds nothing but padding \(2 before and 2 after 4 elements\)/,
  );
  assert.throws(() => pool2d({ kind: 'average', input: [4, 4], window: 2 }), /input \[4,4\], expected a shape \[N, C, H, W\]/);
});

test.run();

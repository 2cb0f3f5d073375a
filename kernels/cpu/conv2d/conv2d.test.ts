import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { awkwardConvolutions, checkConv2d } from '../../conv2d-conformance.ts';
import { conv2d } from '../../problems/conv2d.ts';
import { openCpu } from '../device.ts';
import { naive } from './naive.ts';

const device = await openCpu({ threads: 2 });
test.after(() => device.close());

for (const kernel of [naive])
  test(`${kernel.name}: forward and both gradients on awkward problems`, async () => {
    let seed = 0;
    for (const problem of awkwardConvolutions())
      await checkConv2d(device, kernel, problem, ++seed).catch((error) => {
        assert.unreachable(`${JSON.stringify(problem)}: ${error.message}`);
      });
  });

test('shapes that do not fit are refused with their values', () => {
  assert.throws(
    () => conv2d({ input: [1, 3, 32, 32], filter: [8, 4, 3, 3] }),
    /conv2d: input has 3 channels but the filter expects 4 \(input \[1,3,32,32\], filter \[8,4,3,3\]\); check NCHW order\./,
  );
  assert.throws(() => conv2d({ input: [1, 4, 8, 8], filter: [6, 1, 3, 3], groups: 3 }), /3 groups do not divide 4 channels and 6 filters/);
  assert.throws(
    () => conv2d({ input: [1, 1, 4, 4], filter: [1, 1, 3, 3], dilation: 2 }),
    /3 taps with dilation 2 spans 5 elements, more than the 4/,
  );
  assert.throws(
    () => conv2d({ input: [1, 1, 4, 4], filter: [1, 1, 3, 3], stride: 0 }),
    /vertical stride is 0, expected a whole number from 1/,
  );
});

test.run();

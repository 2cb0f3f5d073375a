import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { awkwardPools, checkPool2d } from '../../pool2d-conformance.ts';
import { webgpuForTests } from '../adapter.ts';
import { direct } from './direct.ts';

const device = await webgpuForTests();

if (device) {
  test.after(() => device.close());

  test('max and average, forward and backward', async () => {
    let seed = 0;
    for (const problem of awkwardPools())
      await checkPool2d(device, direct, problem, ++seed).catch((error) => {
        assert.unreachable(`${JSON.stringify(problem)}: ${error.message}`);
      });
  });
}

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { awkwardConvolutions, checkConv2d } from '../../conv2d-conformance.ts';
import { webgpuForTests } from '../adapter.ts';
import { direct } from './direct.ts';

const device = await webgpuForTests();

if (device) {
  test.after(() => device.close());

  test('direct: forward and both gradients on awkward problems', async () => {
    let seed = 0;
    for (const problem of awkwardConvolutions())
      await checkConv2d(device, direct, problem, ++seed).catch((error) => {
        assert.unreachable(`${JSON.stringify(problem)}: ${error.message}`);
      });
  });
}

test.run();

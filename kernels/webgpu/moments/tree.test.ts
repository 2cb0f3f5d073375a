import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { awkwardMoments, checkMoments } from '../../moments-conformance.ts';
import { webgpuForTests } from '../adapter.ts';
import { tree } from './tree.ts';

const device = await webgpuForTests();

if (device) {
  test.after(() => device.close());

  test('both passes, about 0 and far from it', async () => {
    let seed = 0;
    for (const center of [0.5, 5000])
      for (const problem of awkwardMoments())
        await checkMoments(device, tree, problem, ++seed, center).catch((error) => {
          assert.unreachable(`${JSON.stringify(problem)} about ${center}: ${error.message}`);
        });
  });
}

test.run();

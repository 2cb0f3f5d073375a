import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { awkwardSoftmaxes, checkSoftmax } from '../../softmax-conformance.ts';
import { webgpuForTests } from '../adapter.ts';
import { rows } from './rows.ts';

const device = await webgpuForTests();

if (device) {
  test.after(() => device.close());

  test('softmax, its logarithm and their gradients', async () => {
    let seed = 0;
    for (const center of [0, 300])
      for (const problem of awkwardSoftmaxes())
        await checkSoftmax(device, rows, problem, ++seed, center).catch((error) => {
          assert.unreachable(`${JSON.stringify(problem)} about ${center}: ${error.message}`);
        });
  });
}

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { softmax } from '../../problems/softmax.ts';
import { awkwardSoftmaxes, checkSoftmax } from '../../softmax-conformance.ts';
import { openCpu } from '../device.ts';
import { rows } from './rows.ts';

const device = await openCpu({ threads: 2 });
test.after(() => device.close());

test('softmax, its logarithm and their gradients, small and shared by threads', async () => {
  const large = softmax({ rows: 300, columns: 1001 });
  let seed = 0;
  for (const center of [0, 300])
    for (const problem of [...awkwardSoftmaxes(), large])
      await checkSoftmax(device, rows, problem, ++seed, center).catch((error) => {
        assert.unreachable(`${JSON.stringify(problem)} about ${center}: ${error.message}`);
      });
});

test('bad sizes are refused with their values', () => {
  assert.throws(() => softmax({ rows: 0, columns: 2 }), /softmax: rows is 0, expected a whole number from 1/);
  assert.throws(() => softmax({ rows: 2 ** 20, columns: 2 ** 20 }), /more than 2\^30 elements/);
});

test.run();

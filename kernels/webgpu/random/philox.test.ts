import { test } from 'uvu';
import { awkwardDraws, checkRandom } from '../../random-conformance.ts';
import { tunablesByTurn } from '../../trial.ts';
import { webgpuForTests } from '../adapter.ts';
import { philox } from './philox.ts';

const device = await webgpuForTests();

if (device) {
  test.after(() => device.close());
  test('awkward draws: the integers of the CPU, normal numbers as exact', async () => {
    let turn = 0;
    for (const problem of awkwardDraws()) await checkRandom(device, philox, problem, tunablesByTurn(device, philox, problem, turn++));
  });
}

test.run();

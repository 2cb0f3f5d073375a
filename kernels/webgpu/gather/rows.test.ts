import { test } from 'uvu';
import { awkwardGathers, awkwardScatters, checkGather, checkScatterAdd } from '../../gather-conformance.ts';
import { webgpuForTests } from '../adapter.ts';
import { gatherRows, scatterAddChains } from './rows.ts';

const device = await webgpuForTests();

if (device) {
  test.after(() => device.close());

  test('gather: repeated and outside indices', async () => {
    let seed = 0;
    for (const problem of awkwardGathers()) await checkGather(device, gatherRows, problem, ++seed);
  });

  test('scatterAdd: sums in the order of the indices', async () => {
    let seed = 0;
    for (const problem of awkwardScatters()) await checkScatterAdd(device, scatterAddChains, problem, ++seed);
  });
}

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { awkwardGathers, awkwardScatters, checkGather, checkScatterAdd } from '../../gather-conformance.ts';
import { gather, scatterAdd } from '../../problems/gather.ts';
import { openCpu } from '../device.ts';
import { gatherRows, scatterAddRows } from './rows.ts';

const device = await openCpu({ threads: 2 });
test.after(() => device.close());

test('gather: repeated and outside indices, small and shared by threads', async () => {
  let seed = 0;
  for (const problem of [...awkwardGathers(), gather({ rows: 1000, width: 130, count: 3001 })])
    await checkGather(device, gatherRows, problem, ++seed);
  assert.match(gatherRows.rejects(gather({ rows: 2, width: 3, count: 1, dtype: 'u8' }), device) ?? '', /3 u8 are not whole words/);
});

test('scatterAdd: sums in the order of the indices, small and shared by threads', async () => {
  let seed = 0;
  for (const problem of [...awkwardScatters(), scatterAdd({ rows: 50, width: 130, count: 3001 })])
    await checkScatterAdd(device, scatterAddRows, problem, ++seed);
});

test('bad sizes are refused', () => {
  assert.throws(() => gather({ rows: 0, width: 1, count: 1 }), /rows is 0, expected a whole number from 1/);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { awkwardMoments, checkMoments } from '../../moments-conformance.ts';
import { moments } from '../../problems/moments.ts';
import { openCpu } from '../device.ts';
import { rows } from './rows.ts';

const device = await openCpu({ threads: 2 });
test.after(() => device.close());

const large = [moments({ outer: 3, channels: 40, inner: 5003 }), moments({ outer: 3, channels: 40, inner: 5003, pass: 'cross' })];

test('both passes, small and shared by threads', async () => {
  let seed = 0;
  for (const problem of [...awkwardMoments(), ...large])
    await checkMoments(device, rows, problem, ++seed).catch((error) => assert.unreachable(`${JSON.stringify(problem)}: ${error.message}`));
});

test('values far from 0: their squares do not cancel', async () => {
  for (const problem of [...awkwardMoments(), ...large]) await checkMoments(device, rows, problem, 7, 5000);
});

test('bad sizes are refused with their values', () => {
  assert.throws(() => moments({ outer: 0, channels: 2 }), /moments: outer is 0, expected a whole number from 1/);
  assert.throws(() => moments({ outer: 2 ** 20, channels: 2 ** 20 }), /more than 2\^30 elements/);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { philox as philoxOf } from '../../philox.ts';
import { random } from '../../problems/random.ts';
import { awkwardDraws, checkRandom, KNOWN_ANSWERS } from '../../random-conformance.ts';
import { openCpu } from '../device.ts';
import { philox } from './philox.ts';

const two = await openCpu({ threads: 2 });
const one = await openCpu({ threads: 1, flags: 'default' });
test.after(async () => {
  await two.close();
  await one.close();
});

test('the reference gives the published words', () => {
  for (const { counter, key, words } of KNOWN_ANSWERS) assert.equal(philoxOf(counter, key), [...words]);
});

test('awkward draws, one thread and two', async () => {
  for (const device of [one, two]) for (const problem of awkwardDraws()) await checkRandom(device, philox, problem);
});

test('large draws are shared by threads, with the same numbers, of the right mean and variance', async () => {
  for (const distribution of ['uniform', 'normal'] as const) {
    const problem = random({ distribution, elements: 300_001, seed: 3 });
    const values = await checkRandom(two, philox, problem);
    assert.ok(philox.plan(problem, philox.defaults(problem, two), two).passes[0].grid[0] > 1);
    assert.equal(await checkRandom(one, philox, problem), values);
    const mean = (of: (value: number) => number) => Array.from(values, of).reduce((sum, value) => sum + value, 0) / values.length;
    const [centre, variance] = distribution === 'normal' ? [0, 1] : [0.5, 1 / 12];
    // Six standard deviations of the mean; the variance's is about 1.4 / √n.
    assert.ok(Math.abs(mean((value) => value) - centre) < 6 * Math.sqrt(variance / values.length));
    assert.ok(Math.abs(mean((value) => (value - centre) ** 2) / variance - 1) < (6 * 1.5) / Math.sqrt(values.length));
  }
});

test('seeds, streams and steps differ; bad ones are refused', async () => {
  const draw = (options: object) => checkRandom(one, philox, random({ distribution: 'bits', elements: 16, seed: 1, ...options }));
  const all = [await draw({}), await draw({ seed: 2 }), await draw({ stream: 1 }), await draw({ step: 1 })];
  assert.is(new Set(all.flatMap((values) => [...(values as Int32Array)])).size, 64);
  assert.throws(() => random({ distribution: 'bits', elements: 4, seed: -1 }), /seed is -1, expected a whole number from 0 below 2\^53/);
});

test.run();

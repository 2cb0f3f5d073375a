import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { choose, refusal, validTunables } from '../../catalog.ts';
import { awkwardConvolutions, checkConv2d, depthwiseConvolutions, firstLayers, pointwiseConvolutions } from '../../conv2d-conformance.ts';
import { conv2d } from '../../problems/conv2d.ts';
import { seededRandom } from '../../random.ts';
import { openCpu } from '../device.ts';
import { depthwise } from './depthwise/depthwise.ts';
import { direct } from './direct.ts';
import { im2col } from './im2col.ts';
import { naive } from './naive.ts';
import { pointwise } from './pointwise.ts';

const device = await openCpu({ threads: 2 });
const single = await openCpu({ threads: 1, flags: 'default' });
test.after(async () => {
  await device.close();
  await single.close();
});

for (const kernel of [naive, im2col])
  test(`${kernel.name}: forward and both gradients on awkward problems`, async () => {
    let seed = 0;
    for (const problem of awkwardConvolutions())
      await checkConv2d(device, kernel, problem, ++seed).catch((error) => {
        assert.unreachable(`${JSON.stringify(problem)}: ${error.message}`);
      });
  });

test('depthwise: every pass it does, on awkward problems, with any number of rows at once', async () => {
  let seed = 0;
  for (const problem of [...awkwardConvolutions(), ...depthwiseConvolutions()]) {
    if (refusal(depthwise, problem, device)) continue;
    seed++;
    const on = seed % 2 === 0 ? device : single;
    for (const ROWS of depthwise.tunables.ROWS)
      await checkConv2d(on, depthwise, problem, seed, { ...depthwise.defaults(problem, on), ROWS }).catch((error) => {
        assert.unreachable(`${JSON.stringify(problem)} with ROWS=${ROWS}: ${error.message}`);
      });
  }
  assert.ok(seed >= 35, `${seed} problems`);
});

test('pointwise and im2col: 1x1 windows, by every size of tile in turn', async () => {
  let seed = 0;
  for (const kernel of [pointwise, im2col])
    for (const problem of [...awkwardConvolutions(), ...pointwiseConvolutions()].filter(({ vertical }) => vertical.window === 1)) {
      if (refusal(kernel, problem, device)) continue;
      const valid = [kernel.defaults(problem, device), ...validTunables(kernel, problem, device)];
      const tunables = valid[(17 * seed) % valid.length];
      await checkConv2d(seed % 2 === 0 ? device : single, kernel, problem, ++seed, tunables).catch((error) => {
        assert.unreachable(`${kernel.name}: ${JSON.stringify(problem)} with ${JSON.stringify(tunables)}: ${error.message}`);
      });
    }
  assert.ok(seed >= 30, `${seed} problems`);
});

test('direct: few channels, by every size of tile', async () => {
  let seed = 0;
  for (const problem of [...awkwardConvolutions(), ...firstLayers()]) {
    if (refusal(direct, problem, device)) continue;
    const valid = [...validTunables(direct, problem, device)];
    const tunables = valid[seed % valid.length];
    await checkConv2d(seed % 2 === 0 ? device : single, direct, problem, ++seed, tunables).catch((error) => {
      assert.unreachable(`${JSON.stringify(problem)} with ${JSON.stringify(tunables)}: ${error.message}`);
    });
  }
  assert.ok(seed >= 10, `${seed} problems`);
});

/** Longer than a slab, wider than a block, and shared by threads. */
function* largeConvolutions() {
  const options = { input: [2, 11, 16, 17], filter: [11, 11, 5, 5], padding: 2 };
  yield conv2d({ ...options, epilogue: { bias: true, relu: true } });
  for (const pass of ['input-grad', 'filter-grad'] as const) yield conv2d({ ...options, pass });
}

test('im2col: large problems give the same bits for any number of threads', async () => {
  for (const problem of largeConvolutions()) {
    const results = [await checkConv2d(device, im2col, problem), await checkConv2d(single, im2col, problem)];
    assert.equal(results[0], results[1]);
    assert.is(choose(problem, device).kernel, im2col);
  }
});

test('im2col: other tiles and blocks', async () => {
  const random = seededRandom(5);
  let seed = 0;
  for (const problem of [...awkwardConvolutions(), ...largeConvolutions()]) {
    const valid = [...validTunables(im2col, problem, device)];
    const tunables = valid[Math.floor(random() * valid.length)];
    await checkConv2d(device, im2col, problem, ++seed, tunables).catch((error) => {
      assert.unreachable(`${JSON.stringify(problem)} with ${JSON.stringify(tunables)}: ${error.message}`);
    });
  }
});

test('shapes that do not fit are refused with their values', () => {
  assert.throws(
    () => conv2d({ input: [1, 3, 32, 32], filter: [8, 4, 3, 3] }),
    /conv2d: input has 3 channels but the filter expects 4 \(input \[1,3,32,32\], filter \[8,4,3,3\]\); check NCHW order\./,
  );
  assert.throws(() => conv2d({ input: [1, 4, 8, 8], filter: [6, 1, 3, 3], groups: 3 }), /3 groups do not divide 4 channels and 6 filters/);
  assert.throws(
    () => conv2d({ input: [1, 1, 4, 4], filter: [1, 1, 3, 3], dilation: 2 }),
    /3 taps with dilation 2 spans 5 elements, more than the 4/,
  );
  assert.throws(
    () => conv2d({ input: [1, 1, 4, 4], filter: [1, 1, 3, 3], stride: 0 }),
    /vertical stride is 0, expected a whole number from 1/,
  );
});

test.run();

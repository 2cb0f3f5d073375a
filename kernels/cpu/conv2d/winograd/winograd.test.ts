import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { choose, refusal, validTunables } from '../../../catalog.ts';
import { awkwardConvolutions, checkConv2d } from '../../../conv2d-conformance.ts';
import { type Conv2dOptions, type Conv2dProblem, conv2d, conv2dOperands } from '../../../problems/conv2d.ts';
import { randomValues, seededRandom } from '../../../random.ts';
import { conv2dReference } from '../../../references/conv2d.ts';
import { trial } from '../../../trial.ts';
import { openCpu } from '../../device.ts';
import { winograd2, winograd4 } from './kernels.ts';

const device = await openCpu({ threads: 2 });
const single = await openCpu({ threads: 1, flags: 'default' });
test.after(async () => {
  await device.close();
  await single.close();
});

/** Tiles that are cut off on every side, images smaller than a tile, blocks of several images, rows of tiles longer than a block; filters taken in parts. */
const CASES: readonly Conv2dOptions[] = [
  { input: [1, 1, 1, 1], filter: [1, 1, 3, 3], padding: 1 },
  { input: [1, 1, 3, 3], filter: [1, 1, 3, 3] },
  { input: [1, 2, 1, 2], filter: [3, 2, 3, 3], padding: 2 },
  { input: [2, 3, 9, 11], filter: [7, 3, 3, 3], padding: 1 },
  { input: [3, 5, 7, 6], filter: [7, 5, 3, 3], padding: [0, 1, 3, 0] },
  { input: [3, 6, 7, 5], filter: [9, 2, 3, 3], groups: 3, padding: 1 },
  { input: [1, 2, 3, 37], filter: [3, 2, 3, 3], padding: [5, 4, 3, 7] },
  { input: [2, 17, 21, 18], filter: [20, 17, 3, 3], padding: 1 },
  { input: [1, 2, 6, 400], filter: [3, 2, 3, 3], padding: 1 },
  { input: [1, 19, 4, 4], filter: [600, 19, 3, 3], padding: 1 },
  { input: [1, 300, 4, 4], filter: [19, 300, 3, 3], padding: 1 },
];

function* problems(): Generator<Conv2dProblem> {
  for (const [turn, options] of CASES.entries()) {
    yield conv2d({ ...options, epilogue: { bias: turn % 2 === 1, residual: turn % 4 >= 2, relu: turn % 3 === 1 } });
    for (const pass of PASSES) yield conv2d({ ...options, pass });
  }
}
const PASSES = ['input-grad', 'filter-grad'] as const;

for (const kernel of [winograd2, winograd4]) {
  test(`${kernel.name}: awkward problems, and the same bits for any number of threads`, async () => {
    let seed = 0;
    for (const problem of problems())
      try {
        const results = [await checkConv2d(device, kernel, problem, ++seed), await checkConv2d(single, kernel, problem, seed)];
        if (device.features.has('relaxed-simd') === single.features.has('relaxed-simd')) assert.equal(results[0], results[1]);
      } catch (error) {
        assert.unreachable(`${JSON.stringify(problem)}: ${(error as Error).message}`);
      }
  });

  test(`${kernel.name}: other tiles and blocks`, async () => {
    const random = seededRandom(7);
    let seed = 0;
    for (const problem of problems()) {
      const valid = [...validTunables(kernel, problem, device)];
      const tunables = valid[Math.floor(random() * valid.length)];
      await checkConv2d(device, kernel, problem, ++seed, tunables).catch((error) => {
        assert.unreachable(`${JSON.stringify(problem)} with ${JSON.stringify(tunables)}: ${error.message}`);
      });
    }
  });

  test(`${kernel.name}: what is not a 3x3 window with stride and dilation 1 is refused`, () => {
    let refused = 0;
    for (const problem of awkwardConvolutions()) {
      const { vertical: v, horizontal: h } = problem;
      const isItsOwn = [v, h].every(({ window, stride, dilation }) => window === 3 && stride === 1 && dilation === 1);
      assert.is(refusal(kernel, problem, device) === undefined, isItsOwn, JSON.stringify(problem));
      if (!isItsOwn) refused++;
    }
    assert.ok(refused > 20);
  });
}

/** Random numbers of both signs: the 2-norm of the error over that of the float64 result, and what issue and documentation promise of it. */
for (const [kernel, most] of [
  [winograd2, 2e-6],
  [winograd4, 2e-5],
] as const)
  for (const pass of ['forward', ...PASSES] as const)
    test(`${kernel.name} ${pass}: the error over 96 channels, in the 2-norm, is under ${most}`, async () => {
      const problem = conv2d({ input: [1, 96, 9, 10], filter: [96, 96, 3, 3], padding: 1, pass });
      const extents = conv2dOperands(problem);
      const names = Object.keys(extents);
      const result = names[names.length - 1];
      const values = Object.fromEntries(
        names.slice(0, -1).map((name, i) => [name, randomValues(extents[name].elements, 3 + i).map((value) => value - 0.5)]),
      );
      const got = (await trial(device, kernel, problem, { extents, values, outputs: [result] }))[result];
      const exact = conv2dReference(problem, values).values;
      const norm = (of: (i: number) => number) => Math.sqrt(exact.reduce((sum, _, i) => sum + of(i) ** 2, 0));
      const error = norm((i) => got[i] - exact[i]) / norm((i) => exact[i]);
      assert.ok(error > 0 && error < most, `${error}`);
    });

test('deterministic leaves Winograd out', () => {
  const problem = conv2d({ input: [1, 64, 56, 56], filter: [64, 64, 3, 3], padding: 1 });
  assert.is(choose(problem, device, { constants: ['filter'] }).kernel, winograd4);
  assert.is.not(choose(problem, device, { constants: ['filter'], deterministic: true }).kernel.name.startsWith('winograd'), true);
});

test.run();

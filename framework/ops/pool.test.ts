import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pool2d as pool2dProblem } from '../../kernels/index.ts';
import { pool2dReference } from '../../kernels/references/pool2d.ts';
import { grad } from '../autograd.ts';
import { tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing, sampleValues } from '../each-device.ts';
import { gradcheck } from '../gradcheck.ts';
import { refuses } from '../refuses.ts';
import { type Shape, sizeOf } from '../shape.ts';
import { avgPool2d, globalAvgPool, maxPool2d } from './pool.ts';

const SHAPE: Shape = [2, 3, 5, 7];
const WINDOWS = [
  ['touching', [2, 2], {}],
  ['overlapping', [3, 3], { stride: 2, padding: 1 }],
  ['uneven', [2, 3], { stride: [1, 2], padding: [0, 1] }],
] as const;

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;
  const make = (shape: Shape = SHAPE) => tensor(sampleValues(sizeOf(shape), 1), { device, shape, requiresGrad: true });

  for (const [name, window, options] of WINDOWS) {
    test(`${on}: pools of ${name} windows are right`, () =>
      leavesNothing(device, async () => {
        const x = make();
        const input = await x.read();
        for (const [kind, result] of [
          ['max', maxPool2d(x, window, options)],
          ['average', avgPool2d(x, window, options)],
        ] as const) {
          const problem = pool2dProblem({ kind, input: SHAPE, window, ...options });
          assert.is(differs(await result.read(), pool2dReference(problem, { input }).output, 1e-6), undefined);
        }
        const inside = avgPool2d(x, window, { ...options, countPadding: false });
        const problem = pool2dProblem({ kind: 'average', input: SHAPE, window, ...options, countPadding: false });
        assert.is(differs(await inside.read(), pool2dReference(problem, { input }).output, 1e-6), undefined);
      }));

    test(`${on}: gradients of pools of ${name} windows agree with differences`, () =>
      leavesNothing(device, async () => {
        // A step that does not change which element is the largest.
        assert.is(await gradcheck((x) => maxPool2d(x, window, options), [make([1, 2, 4, 5])], { step: 0.01, tolerance: 5e-3 }), undefined);
        assert.is(await gradcheck((x) => avgPool2d(x, window, options), [make([1, 2, 4, 5])]), undefined);
      }));
  }

  test(`${on}: dilated windows, views, and the mean of whole planes`, () =>
    leavesNothing(device, async () => {
      const view = make([2, 5, 7, 3]).transpose(0, 3, 1, 2);
      const problem = pool2dProblem({ kind: 'max', input: SHAPE, window: 2, stride: 1, dilation: 2 });
      const input = await view.read();
      const result = maxPool2d(view, 2, { stride: 1, dilation: 2 });
      assert.is(differs(await result.read(), pool2dReference(problem, { input }).output, 0), undefined);
      const means = globalAvgPool(view);
      assert.equal(means.shape, [2, 3]);
      const first = Array.from(input.subarray(0, 35)).reduce((sum, value) => sum + value, 0) / 35;
      assert.is(differs([(await means.read())[0]], [first], 1e-5), undefined);
      assert.equal(globalAvgPool(view, { keepDims: true }).shape, [2, 3, 1, 1]);
    }));

  test(`${on}: an average can be differentiated twice, a maximum once`, () =>
    leavesNothing(device, async () => {
      const slope = (x: ReturnType<typeof make>) => grad(avgPool2d(x, 2).square().sum(), [x], { createGraph: true })[0];
      assert.is(await gradcheck(slope, [make([1, 1, 4, 4])]), undefined);
      const x = make([1, 1, 4, 4]);
      const [once] = grad(maxPool2d(x, 2).square().sum(), [x], { createGraph: true });
      refuses(() => grad(once.sum(), [x]), 'maxPool2dGrad');
    }));

  test(`${on}: what cannot be pooled is named with its shape`, () =>
    leavesNothing(device, () => {
      refuses(() => maxPool2d(make([4, 4]), 2), 'pool2d: input [4,4], expected a shape [N, C, H, W]');
      refuses(() => avgPool2d(make(), 6), 'more than the 5 of the padded input');
      refuses(() => maxPool2d(make().cast('i32'), 2), 'maxPool2d: expected f32[N,C,H,W], got i32[2,3,5,7]; cast it');
      refuses(() => globalAvgPool(make([4, 4])), 'globalAvgPool: got f32[4,4], expected [N, C, H, W]');
    }));
}

test.run();

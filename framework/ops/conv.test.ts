import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { conv2d as conv2dProblem } from '../../kernels/index.ts';
import { conv2dReference } from '../../kernels/references/conv2d.ts';
import { grad } from '../autograd.ts';
import { tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing, sampleValues } from '../each-device.ts';
import { gradcheck } from '../gradcheck.ts';
import { constant, placeholder, Session } from '../graph/index.ts';
import { refuses } from '../refuses.ts';
import { type Shape, sizeOf } from '../shape.ts';
import { type ConvWindow, conv2d } from './conv.ts';

/** Windows of every kind, with an input and a filter that none of them divides. */
const CASES: readonly (readonly [string, Shape, Shape, ConvWindow])[] = [
  ['plain', [2, 3, 5, 6], [4, 3, 3, 2], {}],
  ['padded', [1, 2, 4, 5], [3, 2, 3, 3], { padding: 1 }],
  ['strided, padded unevenly', [1, 2, 7, 6], [3, 2, 3, 2], { stride: [2, 3], padding: [1, 0, 2, 1] }],
  ['dilated', [1, 2, 7, 8], [2, 2, 3, 2], { dilation: [2, 3] }],
  ['same', [1, 1, 5, 6], [2, 1, 4, 3], { stride: 2, padding: 'same' }],
  ['grouped', [2, 4, 4, 3], [6, 2, 2, 3], { groups: 2, padding: 1 }],
  ['depthwise', [1, 3, 5, 5], [3, 1, 3, 3], { groups: 3, padding: 1, stride: 2 }],
  ['1x1', [2, 3, 3, 2], [5, 3, 1, 1], {}],
];

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;
  const make = (shape: Shape, seed: number) => tensor(sampleValues(sizeOf(shape), seed), { device, shape, requiresGrad: true });

  for (const [name, input, filter, window] of CASES) {
    test(`${on}: a ${name} convolution is right, and comes with bias and ReLU`, () =>
      leavesNothing(device, async () => {
        const [x, w, bias] = [make(input, 1), make(filter, 2), make([filter[0]], 3)];
        const operands = { input: await x.read(), filter: await w.read(), bias: await bias.read() };
        for (const relu of [false, true]) {
          const problem = conv2dProblem({ input, filter, ...window, epilogue: { bias: true, relu } });
          const result = conv2d(x, w, { ...window, bias, relu });
          assert.is(differs(await result.read(), conv2dReference(problem, operands).values, 1e-4), undefined);
        }
      }));

    test(`${on}: gradients of a ${name} convolution agree with differences`, () =>
      leavesNothing(device, async () => {
        const operands = [make(input, 1), make(filter, 2), make([filter[0]], 3)];
        assert.is(await gradcheck((x, w, bias) => conv2d(x, w, { ...window, bias }), operands, { step: 0.5, tolerance: 5e-3 }), undefined);
      }));
  }

  test(`${on}: a residual is added before ReLU, with and without a bias, and has a gradient`, () =>
    leavesNothing(device, async () => {
      const [, input, filter, window] = CASES[1];
      const [x, w, bias] = [make(input, 1), make(filter, 2), make([filter[0]], 3)];
      const residual = make(conv2d(x, w, window).shape, 4);
      for (const each of [undefined, bias]) {
        const expected = conv2d(x, w, { ...window, bias: each })
          .add(residual)
          .relu();
        const found = conv2d(x, w, { ...window, bias: each, residual, relu: true });
        assert.is(differs(await found.read(), await expected.read(), 1e-5), undefined);
      }
      const operands = [x, w, bias, residual];
      const both = (...[x, w, bias, residual]: typeof operands) => conv2d(x, w, { ...window, bias, residual });
      assert.is(await gradcheck(both, operands, { step: 0.5, tolerance: 5e-3 }), undefined);
      refuses(
        () => conv2d(x, w, { ...window, residual: bias }),
        `conv2d: residual is f32[3], expected f32[${residual.shape}], the output's shape`,
      );
    }));

  test(`${on}: gradients of its gradients agree with differences`, () =>
    leavesNothing(device, async () => {
      const [, input, filter, window] = CASES[2];
      const twice = (of: 0 | 1) => (x: ReturnType<typeof make>, w: typeof x) => {
        const y = conv2d(x, w, window);
        return grad(y.mul(y).sum(), [[x, w][of]], { createGraph: true })[0];
      };
      const operands = [make(input, 1), make(filter, 2)];
      for (const i of [0, 1] as const) assert.is(await gradcheck(twice(i), operands, { tolerance: 5e-3 }), undefined);
    }));

  test(`${on}: a view as an input is read where it lies`, () =>
    leavesNothing(device, async () => {
      const nhwc = make([1, 4, 3, 2], 1);
      const filter = make([2, 2, 3, 3], 2);
      const view = nhwc.transpose(0, 3, 1, 2);
      const expected = conv2d(view.clone(), filter);
      assert.is(differs(await conv2d(view, filter).read(), await expected.read(), 0), undefined);
    }));

  test(`${on}: a graph's convolution equals the eager one, forward and back`, () =>
    leavesNothing(device, async () => {
      const [, input, filter, window] = CASES[5];
      const [x, w] = [make(input, 1), make(filter, 2)];
      const eager = await conv2d(x, w, { ...window, relu: true }).read();
      const image = placeholder(input);
      await using session = new Session({ device });
      const fetched = conv2d(image, constant(await w.read(), 'w', { shape: filter }), { ...window, relu: true });
      const result = await session.run(fetched, [[image, await x.read()]]);
      assert.is(differs(result as Float32Array, eager, 0), undefined);
    }));

  test(`${on}: what does not fit is named with its shapes`, () =>
    leavesNothing(device, () => {
      const [x, w] = [make([1, 3, 4, 4], 1), make([2, 4, 3, 3], 2)];
      refuses(
        () => conv2d(x, w),
        'conv2d: input has 3 channels but the filter expects 4 (input [1,3,4,4], filter [2,4,3,3]); check NCHW order.',
      );
      refuses(() => conv2d(x, make([2, 3, 5, 5], 2)), 'more than the 4 of the padded input');
      refuses(
        () => conv2d(x, make([2, 3, 3, 3], 2), { bias: make([3], 3) }),
        'conv2d: bias is f32[3], expected f32[2], one element a filter',
      );
      refuses(() => conv2d(x, make([2, 3, 3, 3], 2), { groups: 2 }), '2 groups do not divide 3 channels');
      refuses(() => conv2d(x.cast('i32'), w), 'conv2d: expected f32 operands, got i32[1,3,4,4], f32[2,4,3,3]; cast them');
    }));
}

test.run();

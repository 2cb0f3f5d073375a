// f16: stored as halves on WebGPU, computed with as f32; kept and moved on the CPU, and refused there where it would be computed with.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tensor, uniform } from './create.ts';
import { devicesForTests, differs, leavesNothing, sampleValues } from './each-device.ts';
import { concat } from './ops/assemble.ts';
import { layerNorm } from './ops/norm.ts';
import { where } from './ops/pointwise.ts';
import { crossEntropy } from './ops/softmax.ts';
import { refuses } from './refuses.ts';
import type { Tensor } from './tensor.ts';
import { assign } from './update.ts';

/** Half of the distance between neighbouring halves near 1: the error of rounding once. */
const ROUNDED = 2 ** -11;
const halved = (values: ArrayLike<number>) => Float32Array.from(Float16Array.from(values));

const [cpu, webgpu] = await devicesForTests();
for (const device of [cpu, webgpu]) test.after(() => device?.close());

if (webgpu) {
  const device = webgpu;
  const values = sampleValues(15, 1);
  const halves = (requiresGrad = false) => tensor(values, { device, shape: [3, 5], dtype: 'f16', requiresGrad });
  const exact = () => tensor(halved(values), { device, shape: [3, 5] });

  const works: [name: string, work: (x: Tensor) => Tensor, dtype: 'f16' | 'f32'][] = [
    ['cast', (x) => x.cast('f32'), 'f32'],
    ['add a number', (x) => x.add(0.1), 'f16'],
    ['broadcast', (x) => x.mul(x.slice([1, 2])), 'f16'],
    ['exp', (x) => x.exp(), 'f16'],
    ['gelu', (x) => x.gelu(), 'f16'],
    ['where', (x) => where(x.gt(0), x, 0), 'f16'],
    ['matmul of views', (x) => x.matmul(x.transpose()), 'f16'],
    ['matmul with ReLU', (x) => x.slice([], [0, 3]).matmul(x, { relu: true }), 'f16'],
    ['sum', (x) => x.sum(1), 'f32'],
    ['max', (x) => x.max(0), 'f32'],
    ['softmax', (x) => x.softmax(0), 'f16'],
    ['logSoftmax', (x) => x.logSoftmax(), 'f16'],
    ['layerNorm', (x) => layerNorm(x, [5]), 'f16'],
    ['crossEntropy', (x) => crossEntropy(x, tensor(Int32Array.of(4, 0, 2), { device })), 'f32'],
    ['gather of rows that are no whole words', (x) => x.gather(tensor(Int32Array.of(2, 0), { device })), 'f16'],
    ['transpose, pad and concat', (x) => concat([x.transpose().clone(), x.transpose()]).pad([[1, 0]], 2), 'f16'],
  ];

  test('webgpu: halves give what f32 gives of the same numbers, rounded where they are stored', () =>
    leavesNothing(device, async () => {
      for (const [name, work, dtype] of works) {
        const [result, expected] = [work(halves()), work(exact())];
        assert.equal([result.dtype, result.shape], [dtype, expected.shape], name);
        assert.is(differs(Float32Array.from(await result.read()), await expected.read(), 2 * ROUNDED), undefined, name);
      }
    }));

  test('webgpu: gradients of halves are halves', () =>
    leavesNothing(device, async () => {
      const indices = tensor(Int32Array.of(2, 2), { device });
      const losses: ((x: Tensor) => Tensor)[] = [
        (x) => x.square().sum(),
        (x) => x.matmul(x.transpose()).sum(),
        (x) => x.gather(indices).square().sum(),
        (x) => x.softmax().mul(x).sum(),
      ];
      for (const [i, loss] of losses.entries()) {
        const [x, y] = [halves(true), tensor(halved(values), { device, shape: [3, 5], requiresGrad: true })];
        loss(x).backward();
        loss(y).backward();
        assert.is(x.grad!.dtype, 'f16');
        assert.is(differs(Float32Array.from(await x.grad!.read()), await y.grad!.read(), 8 * ROUNDED), undefined, `loss ${i}`);
      }
      const x = halves();
      assign(x, x.mul(2));
      assert.is(
        differs(
          Float32Array.from(await x.read()),
          halved(values).map((value) => 2 * value),
          2 * ROUNDED,
        ),
        undefined,
      );
    }));
}

test('cpu: halves are kept and moved, and what would compute with them is refused with the remedy', () =>
  leavesNothing(cpu, async () => {
    const x = tensor([[1.5, -2, 0.25]], { device: cpu, dtype: 'f16' });
    assert.equal([...(await concat([x, x]).transpose().clone().read())], [1.5, 1.5, -2, -2, 0.25, 0.25]);
    refuses(
      () => x.add(1),
      /^add\(f16\[1,3\], 1\): no kernel on cpu .* cpu keeps f16 but does not compute with it: use f32 there, or webgpu$/,
    );
    refuses(() => x.matmul(x.transpose()), /^matmul\(f16\[1,3\], f16\[3,1\]\): .*use f32 there, or webgpu/);
    refuses(() => tensor([1], { device: cpu }).cast('f16'), /^cast\(f32\[1\]\): .*use f32 there, or webgpu/);
    refuses(() => uniform([2], { seed: 1, device: cpu, dtype: 'f16' }), 'uniform: dtype is f16, expected f32; cast it');
  }));

test.run();

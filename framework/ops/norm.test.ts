import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { grad } from '../autograd.ts';
import { normal, randomBits, tensor, uniform } from '../create.ts';
import { devicesForTests, differs, leavesNothing, sampleValues } from '../each-device.ts';
import { gradcheck } from '../gradcheck.ts';
import * as graph from '../graph/index.ts';
import type { Value } from '../op.ts';
import { refuses } from '../refuses.ts';
import { batchNorm, batchNormTraining, dropout, layerNorm } from './norm.ts';
import { mul } from './pointwise.ts';
import { sum } from './reduce.ts';

/** (x - mean) / √(variance + 1e-5) of one group, in float64. */
function normalised(group: number[]): number[] {
  const mean = group.reduce((sum, value) => sum + value, 0) / group.length;
  const variance = group.reduce((sum, value) => sum + (value - mean) ** 2, 0) / group.length;
  return group.map((value) => (value - mean) / Math.sqrt(variance + 1e-5));
}

const [N, C, W] = [3, 2, 5];
const values = sampleValues(N * C * W, 1);
const devices = await devicesForTests();

for (const device of devices) {
  test.after(() => device.close());
  const on = device.kind;
  const cube = () => tensor(values, { device, shape: [N, C, W] });

  test(`${on}: layerNorm is right`, () =>
    leavesNothing(device, async () => {
      const weight = tensor([1, 2, 3, 4, 5], { device });
      const result = layerNorm(cube(), [W], { weight, bias: weight });
      const rows = Array.from({ length: N * C }, (_, i) => normalised([...values.subarray(i * W, (i + 1) * W)]));
      const expected = rows.flat().map((value, i) => (value + 1) * ((i % W) + 1));
      assert.is(differs(await result.read(), expected, 1e-4), undefined);
      refuses(() => layerNorm(cube(), [4]), 'layerNorm: f32[3,2,5] does not end in [4], over which it is normalised');
    }));

  test(`${on}: batchNorm is right in training and after`, () =>
    leavesNothing(device, async () => {
      const { output, mean, variance } = batchNormTraining(cube(), { weight: tensor([1, 3], { device }) });
      const channels = [0, 1].map((c) => [...values].filter((_, i) => Math.floor(i / W) % C === c));
      const groups = channels.map(normalised);
      const expected = [...values].map((_, i) => {
        const c = Math.floor(i / W) % C;
        return groups[c][Math.floor(i / (C * W)) * W + (i % W)] * (1 + 2 * c);
      });
      assert.is(differs(await output.read(), expected, 1e-4), undefined);
      const means = channels.map((each) => each.reduce((sum, value) => sum + value, 0) / each.length);
      const variances = channels.map((each, c) => each.reduce((sum, value) => sum + (value - means[c]) ** 2, 0) / (each.length - 1));
      assert.is(differs(await mean.read(), means, 1e-5), undefined);
      assert.is(differs(await variance.read(), variances, 1e-5), undefined);
      const used = batchNorm(cube(), mean, variance, { bias: tensor([0, 1], { device }) });
      const after = [...values].map((value, i) => {
        const c = Math.floor(i / W) % C;
        return (value - means[c]) / Math.sqrt(variances[c] + 1e-5) + c;
      });
      assert.is(differs(await used.read(), after, 1e-4), undefined);
    }));

  test(`${on}: gradients of both agree with differences`, () =>
    leavesNothing(device, async () => {
      const x = tensor(sampleValues(8, 2), { device, shape: [4, 2], requiresGrad: true });
      const weight = tensor([0.7, -1.3], { device, requiresGrad: true });
      const bias = tensor([0.2, 0.1], { device, requiresGrad: true });
      assert.is(await gradcheck((a, w, b) => batchNormTraining(a, { weight: w, bias: b }).output, [x, weight, bias]), undefined);
      assert.is(await gradcheck((a, w, b) => layerNorm(a.reshape(2, 4), [4]).reshape(4, 2).mul(w).add(b), [x, weight, bias]), undefined);
    }));

  test(`${on}: batchNorm of images: gradients by differences, in a graph as well, and once only`, () =>
    leavesNothing(device, async () => {
      const [image, channels] = [[2, 3, 2, 3], [3]];
      const make = (shape: number[], seed: number) =>
        tensor(
          sampleValues(
            shape.reduce((a, b) => a * b),
            seed,
          ),
          { device, shape, requiresGrad: true },
        );
      const operands = [make(image, 3), make(channels, 4), make(channels, 5)];
      const weighted = sampleValues(36, 6);
      const loss = <V extends Value>(x: V, weight: V, bias: V, by: V): V => sum(mul(batchNormTraining(x, { weight, bias }).output, by));
      assert.is(
        await gradcheck((x, weight, bias) => loss(x, weight, bias, tensor(weighted, { device, shape: image })), operands),
        undefined,
      );
      const eager = grad(loss(operands[0], operands[1], operands[2], tensor(weighted, { device, shape: image })), operands);
      const nodes = await Promise.all(operands.map(async (each) => graph.variable(await each.read(), undefined, each)));
      const found = graph.gradients(loss(nodes[0], nodes[1], nodes[2], graph.constant(weighted, undefined, { shape: image })), nodes);
      await using session = new graph.Session({ device });
      for (const [i, each] of (await session.run(found)).entries())
        assert.is(differs(each as Float32Array, await eager[i].read(), 1e-5), undefined, `gradient ${i}`);
      const [once] = grad(batchNormTraining(operands[0]).output.square().sum(), [operands[0]], { createGraph: true });
      refuses(() => grad(once.sum(), [operands[0]]), 'standardizeGrad');
      const shifted = batchNormTraining(operands[0], { bias: operands[2] }).output.sub(batchNormTraining(operands[0]).output);
      assert.is(differs(await shifted.mean([0, 2, 3]).read(), await operands[2].read(), 1e-5), undefined);
    }));

  test(`${on}: dropout zeroes its share, keeps the mean, and repeats for the same source`, () =>
    leavesNothing(device, async () => {
      const x = tensor(new Float32Array(4000).fill(2), { device, requiresGrad: true });
      const dropped = dropout(x, 0.25, { seed: 5, step: 3 });
      const kept = await dropped.read();
      const zeros = [...kept].filter((value) => value === 0).length;
      assert.ok(Math.abs(zeros - 1000) < 120, `${zeros} of 4000`);
      assert.ok(kept.every((value) => value === 0 || Math.abs(value - 2 / 0.75) < 1e-5));
      assert.equal(await dropout(x, 0.25, { seed: 5, step: 3 }).read(), kept);
      assert.not.equal(await dropout(x, 0.25, { seed: 5, step: 4 }).read(), kept);
      dropped.sum().backward();
      assert.is(
        differs(
          await x.grad!.read(),
          [...kept].map((value) => value / 2),
          1e-5,
        ),
        undefined,
      );
      refuses(() => dropout(x, 1, { seed: 0 }), 'dropout: rate is 1, expected a number from 0 to below 1');
    }));

  test(`${on}: random tensors have the distribution they promise`, () =>
    leavesNothing(device, async () => {
      const even = await uniform([50, 40], { device, seed: 1 }).read();
      assert.ok(even.every((value) => value >= 0 && value < 1));
      const mean = (list: ArrayLike<number>) => Array.from(list).reduce((sum, value) => sum + value, 0) / list.length;
      assert.ok(Math.abs(mean(even) - 0.5) < 0.03);
      const bell = await normal([2000], { device, seed: 1, stream: 9 }).read();
      assert.ok(Math.abs(mean(bell)) < 0.1);
      assert.ok(Math.abs(mean(Array.from(bell, (value) => value * value)) - 1) < 0.15);
    }));
}

const [cpu, webgpu] = devices;
if (webgpu)
  test('random bits and uniform numbers are the same on every device, normal ones within rounding', () =>
    leavesNothing(cpu, () =>
      leavesNothing(webgpu, async () => {
        for (const draw of [uniform, randomBits]) {
          const [a, b] = [cpu, webgpu].map((device) => draw([101], { device, seed: 2 ** 40 + 7, stream: 3, step: 11 }));
          assert.equal(await a.read(), await b.read());
        }
        const [a, b] = [cpu, webgpu].map((device) => normal([101], { device, seed: 2 ** 40 + 7, stream: 3, step: 11 }));
        assert.is(differs(await a.read(), await b.read(), 1e-5), undefined);
      }),
    ));

test.run();

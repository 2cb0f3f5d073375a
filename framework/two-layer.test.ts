// The lecture's running example, a two-layer ReLU net with L2 loss on random data, in three forms that must all follow the float64 curve.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { customFunction } from './autograd.ts';
import { tensor } from './create.ts';
import { devicesForTests, differs, leavesNothing, sampleValues } from './each-device.ts';
import { launchesOf } from './launches.ts';
import { Linear, relu, Sequential } from './nn/index.ts';
import { where } from './ops/pointwise.ts';
import { mseLoss } from './ops/softmax.ts';
import { Adam, Sgd } from './optim/index.ts';
import { scope } from './scope.ts';
import { noGrad } from './tape.ts';
import type { Tensor } from './tensor.ts';
import { assign } from './update.ts';

const [N, D, H, OUT] = [8, 20, 13, 5];
const RATE = 6e-3;
const STEPS = 40;
const data = { x: sampleValues(N * D, 1, -1, 1), y: sampleValues(N * OUT, 2, -1, 1) };
const start = { w1: sampleValues(D * H, 3, -0.5, 0.5), w2: sampleValues(H * OUT, 4, -0.5, 0.5) };

/** a · b in float64, with either transposed; sizes are those of the product. */
function product(a: Float64Array, b: Float64Array, m: number, n: number, k: number, form: 'nn' | 'nt' | 'tn'): Float64Array {
  return Float64Array.from({ length: m * n }, (_, i) => {
    const [row, column] = [Math.floor(i / n), i % n];
    let sum = 0;
    for (let p = 0; p < k; p++) sum += a[form === 'tn' ? p * m + row : row * k + p] * b[form === 'nt' ? column * k + p : p * n + column];
    return sum;
  });
}

/** The losses of every step, in float64, with the gradients written out by hand. */
function exactLosses(): number[] {
  const [x, y, w1, w2] = [data.x, data.y, start.w1, start.w2].map((values) => new Float64Array(values));
  return Array.from({ length: STEPS }, () => {
    const hidden = product(x, w1, N, H, D, 'nn');
    const active = hidden.map((value) => Math.max(value, 0));
    const difference = product(active, w2, N, OUT, H, 'nn').map((value, i) => value - y[i]);
    const upstream = difference.map((value) => 2 * value);
    const g2 = product(active, upstream, H, OUT, N, 'tn');
    const back = product(upstream, w2, N, H, OUT, 'nt').map((value, i) => (hidden[i] > 0 ? value : 0));
    const g1 = product(x, back, D, H, N, 'tn');
    for (const [i, g] of g1.entries()) w1[i] -= RATE * g;
    for (const [i, g] of g2.entries()) w2[i] -= RATE * g;
    return difference.reduce((sum, value) => sum + value * value, 0);
  });
}

const expected = exactLosses();

async function follows(step: () => Promise<number>): Promise<void> {
  const losses: number[] = [];
  for (let i = 0; i < STEPS; i++) losses.push(await scope(step));
  assert.ok(losses.at(-1)! < losses[0] / 3, `the loss went from ${losses[0]} to ${losses.at(-1)}`);
  assert.is(differs(losses, expected, 2e-5), undefined);
}

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;
  const inputs = () => [tensor(data.x, { device, shape: [N, D] }), tensor(data.y, { device, shape: [N, OUT] })];
  const weights = () =>
    [
      tensor(start.w1, { device, shape: [D, H], requiresGrad: true }),
      tensor(start.w2, { device, shape: [H, OUT], requiresGrad: true }),
    ] as const;

  /** Trains by autograd and hand-written descent, with an activation of the caller's. */
  async function descend(activate: (x: Tensor) => Tensor): Promise<void> {
    const [x, y] = inputs();
    const parameters = weights();
    const [w1, w2] = parameters;
    await follows(async () => {
      const loss = activate(x.matmul(w1)).matmul(w2).sub(y).square().sum();
      loss.backward();
      noGrad(() => {
        for (const parameter of parameters) {
          assign(parameter, parameter.sub(parameter.grad!.mul(RATE)));
          parameter.zeroGrad();
        }
      });
      return loss.item();
    });
  }

  test(`${on}: tensors and autograd`, () => leavesNothing(device, () => descend((x) => x.relu())));

  test(`${on}: a function with a backward of its own`, () =>
    leavesNothing(device, () =>
      descend(
        customFunction({
          name: 'handmadeRelu',
          forward: (x) => x.maximum(0),
          backward: ({ inputs: [x] }, upstream) => [where(x.lt(0), 0, upstream)],
        }),
      ),
    ));

  test(`${on}: modules, loss and optimizer`, () =>
    leavesNothing(device, async () => {
      const [x, y] = inputs();
      const [w1, w2] = weights();
      using net = new Sequential(new Linear(D, H, { device, bias: false }), relu(), new Linear(H, OUT, { device, bias: false }));
      net.loadStateDict({ 'layers.0.weight': w1.transpose(), 'layers.2.weight': w2.transpose() });
      using optimizer = new Sgd(net.parameters(), { lr: RATE * y.size });
      await follows(async () => {
        const loss = mseLoss(net.forward(x), y);
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        return (await loss.item()) * y.size;
      });
    }));

  test(`${on}: from the second step on nothing is compiled, prepared or left over`, () =>
    leavesNothing(device, async () => {
      const [x, y] = inputs();
      using net = new Sequential(new Linear(D, H, { device }), relu(), new Linear(H, OUT, { device, seed: 1 }));
      using optimizer = new Adam(net.parameters(), { lr: 1e-2 });
      const step = () =>
        scope(() => {
          optimizer.zeroGrad();
          mseLoss(net.forward(x), y).backward();
          optimizer.step();
        });
      step();
      const [{ misses, size }, { liveBuffers, liveBytes, programs, reads }] = [launchesOf(device), device.memory()];
      for (let i = 0; i < 20; i++) step();
      await device.sync();
      assert.equal([launchesOf(device).misses, launchesOf(device).size], [misses, size]);
      const after = device.memory();
      assert.equal([after.liveBuffers, after.liveBytes, after.programs, after.reads], [liveBuffers, liveBytes, programs, reads]);
    }));
}

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device, Values } from '../../kernels/index.ts';
import { devicesForTests, differs, leavesNothing, sampleValues } from '../each-device.ts';
import { matmul } from '../ops/matmul.ts';
import { mul, relu, square, sub } from '../ops/pointwise.ts';
import { sum } from '../ops/reduce.ts';
import { gradients } from './gradients.ts';
import { assignSub, type GraphNode, group, placeholder, variable } from './node.ts';
import { GradientDescent } from './optimizer.ts';
import { REWRITES } from './rewrite.ts';
import { Session } from './session.ts';

// The lecture's net, y = relu(x · w1) · w2 with L2 loss, trained by plain gradient descent.
const [N, D, H] = [6, 7, 5];
const RATE = 0.01;
const STEPS = 5;
const data = { x: sampleValues(N * D, 1, -1, 1), y: sampleValues(N * D, 2, -1, 1) };
const start = { w1: sampleValues(D * H, 3, -0.7, 0.7), w2: sampleValues(H * D, 4, -0.7, 0.7) };

/** a · b, [m, k] by [k, n], in float64; element (i, j) of a factor by `at`. */
const product = (m: number, k: number, n: number, a: (i: number, p: number) => number, b: (p: number, j: number) => number) =>
  Array.from({ length: m * n }, (_, at) => {
    let total = 0;
    for (let p = 0; p < k; p++) total += a(Math.floor(at / n), p) * b(p, at % n);
    return total;
  });

/** The losses of the first steps, and the weights after them, in float64. */
function reference() {
  const { x, y } = data;
  let [w1, w2] = [Array.from(start.w1), Array.from(start.w2)];
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const hidden = product(
      N,
      D,
      H,
      (i, p) => x[i * D + p],
      (p, j) => w1[p * H + j],
    ).map((value) => Math.max(0, value));
    const error = product(
      N,
      H,
      D,
      (i, p) => hidden[i * H + p],
      (p, j) => w2[p * D + j],
    ).map((value, i) => value - y[i]);
    losses.push(error.reduce((total, value) => total + value * value, 0));
    const back = product(
      N,
      D,
      H,
      (i, p) => 2 * error[i * D + p],
      (p, j) => w2[j * D + p],
    ).map((value, i) => (hidden[i] > 0 ? value : 0));
    const [by1, by2] = [
      product(
        D,
        N,
        H,
        (i, p) => x[p * D + i],
        (p, j) => back[p * H + j],
      ),
      product(
        H,
        N,
        D,
        (i, p) => hidden[p * H + i],
        (p, j) => 2 * error[p * D + j],
      ),
    ];
    w1 = w1.map((value, i) => value - RATE * by1[i]);
    w2 = w2.map((value, i) => value - RATE * by2[i]);
  }
  return { losses, w1, w2 };
}
const expected = reference();

function net(weight1: GraphNode, weight2: GraphNode) {
  const [x, y] = [placeholder([N, D], 'f32', 'x'), placeholder([N, D], 'f32', 'y')];
  const hidden = relu(matmul(x, weight1));
  const loss = sum(square(sub(matmul(hidden, weight2), y)));
  const feeds: [GraphNode, Float32Array<ArrayBuffer>][] = [
    [x, data.x],
    [y, data.y],
  ];
  return { loss, feeds };
}
const weights = () => [variable(start.w1, 'w1', { shape: [D, H] }), variable(start.w2, 'w2', { shape: [H, D] })];

/** Runs `body` with a session that leaves the device's memory as it was. */
const inSession = (device: Device, body: (session: Session) => Promise<void>, rewrites?: ConstructorParameters<typeof Session>[0]) =>
  leavesNothing(device, async () => {
    await using session = new Session({ device, ...rewrites });
    await body(session);
  });

const agrees = (losses: number[], w1?: unknown, w2?: unknown) => {
  assert.is(differs(losses, expected.losses, 1e-5), undefined);
  assert.ok(losses.at(-1)! < losses[0]);
  if (w1) assert.is(differs(w1 as Values, expected.w1, 1e-5), undefined);
  if (w2) assert.is(differs(w2 as Values, expected.w2, 1e-5), undefined);
};

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;

  test(`${on}: weights as placeholders, updated by the host`, () =>
    inSession(device, async (session) => {
      const nodes = [placeholder([D, H], 'f32', 'w1'), placeholder([H, D], 'f32', 'w2')];
      const { loss, feeds } = net(nodes[0], nodes[1]);
      const fetches = [loss, ...gradients(loss, nodes)];
      const values = [Float32Array.from(start.w1), Float32Array.from(start.w2)];
      const losses: number[] = [];
      for (let step = 0; step < STEPS; step++) {
        const [now, ...slopes] = await session.run(fetches, [...feeds, [nodes[0], values[0]], [nodes[1], values[1]]]);
        losses.push(now as number);
        values.forEach((weight, i) => weight.forEach((_, at) => (weight[at] -= RATE * (slopes[i] as Values)[at])));
      }
      agrees(losses, values[0], values[1]);
    }));

  test(`${on}: weights as variables whose new values are fetched`, () =>
    inSession(device, async (session) => {
      const [w1, w2] = weights();
      const { loss, feeds } = net(w1, w2);
      const [by1, by2] = gradients(loss, [w1, w2]);
      const fetches = [loss, assignSub(w1, mul(by1, RATE)), assignSub(w2, mul(by2, RATE))] as const;
      const losses: number[] = [];
      let last: unknown[] = [];
      for (let step = 0; step < STEPS; step++) {
        const [now, ...next] = await session.run(fetches, feeds);
        losses.push(now as number);
        last = next;
      }
      agrees(losses, last[0], last[1]);
      agrees(losses, await session.run(w1), await session.run(w2));
    }));

  for (const all of [true, false])
    test(`${on}: updates in the graph, rewrites ${all ? 'on' : 'off'}: only the loss comes to the host, nothing is allocated or compiled`, () => {
      const rewrites = Object.fromEntries(REWRITES.map((name) => [name, all]));
      return inSession(
        device,
        async (session) => {
          const [w1, w2] = weights();
          const { loss, feeds } = net(w1, w2);
          const slopes = gradients(loss, [w1, w2]);
          const updates = [w1, w2].map((weight, i) => assignSub(weight, mul(slopes[i], RATE)));
          const losses: number[] = [];
          const train = async () => {
            const results = await session.run([loss, group(...updates)], feeds);
            assert.is(results[1], undefined);
            losses.push(results[0] as number);
          };
          await train();
          const before = device.memory();
          for (let step = 1; step < STEPS; step++) await train();
          const after = device.memory();
          for (const what of ['liveBuffers', 'liveBytes', 'peakBytes', 'programs', 'lateCompiles'] as const)
            assert.is(after[what], before[what], what);
          assert.is(after.readBytes - before.readBytes, 4 * (STEPS - 1));
          assert.is(after.writtenBytes - before.writtenBytes, 2 * 4 * N * D * (STEPS - 1));
          agrees(losses, await session.run(w1), await session.run(w2));
        },
        { rewrites },
      );
    });

  test(`${on}: an optimizer writes the updates; two sessions over one graph do not disturb each other`, () =>
    inSession(device, async (session) => {
      const [w1, w2] = weights();
      const { loss, feeds } = net(w1, w2);
      const step = new GradientDescent({ rate: RATE }).minimize(loss);
      const other = new Session({ device });
      const losses: number[] = [];
      for (let i = 0; i < STEPS; i++) losses.push((await session.run([loss, step], feeds))[0] as number);
      agrees(losses, await session.run(w1), await session.run(w2));
      const again: number[] = [];
      for (let i = 0; i < STEPS; i++) again.push((await other.run([loss, step], feeds))[0] as number);
      assert.equal(again, losses);
      await other.close();
    }));
}

test.run();

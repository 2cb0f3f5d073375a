import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing } from '../each-device.ts';
import { matmul } from '../ops/matmul.ts';
import { add, mul, square } from '../ops/pointwise.ts';
import { sum } from '../ops/reduce.ts';
import { slice, transpose } from '../ops/shape.ts';
import { refuses } from '../refuses.ts';
import type { Feeds } from './feeds.ts';
import { gradients } from './gradients.ts';
import { assign, assignAdd, constant, type GraphNode, group, placeholder, variable } from './node.ts';
import { GradientDescent } from './optimizer.ts';
import { Session } from './session.ts';

const list = (values: unknown) => [...(values as Iterable<number>)];
const plus = (x: GraphNode, y: GraphNode | number) => add(x, y);

/** The message that a promise was rejected with. */
const refused = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it was not refused',
    (error: Error) => `${error.constructor.name}: ${error.message}`,
  );

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;
  const inSession = (body: (session: Session) => Promise<void>) =>
    leavesNothing(device, async () => {
      await using session = new Session({ device });
      await body(session);
    });

  test(`${on}: a run computes what its fetches need, and no more`, () =>
    inSession(async (session) => {
      const [x, unfed] = [placeholder([3], 'f32', 'x'), placeholder([3], 'f32', 'unfed')];
      const wanted = sum(square(x));
      const unwanted = sum(plus(wanted, unfed));
      assert.is(await session.run(wanted, [[x, [1, 2, 3]]]), 14);
      const { kernels, crossings } = session.report();
      const nodes = kernels.flatMap(({ nodes }) => nodes);
      assert.ok(nodes.includes(wanted.name) && !nodes.includes(unwanted.name));
      assert.equal(
        crossings.map(({ direction, node, bytes }) => [direction, node, bytes]),
        [
          ['host to device', 'x', 12],
          ['device to host', wanted.name, 4],
        ],
      );
      assert.ok(crossings.every(({ ns }) => ns >= 0) && kernels.every(({ kernel }) => /^\w+\/\w+$/.test(kernel)));
    }));

  test(`${on}: a group moves nothing to the host, and its updates happen`, () =>
    inSession(async (session) => {
      const [v, w] = [variable([1, 2], 'v'), variable(Int32Array.of(5), 'w')];
      const { readBytes, reads } = device.memory();
      const both = group(assignAdd(v, constant([10, 20])), group(assignAdd(w, w)));
      assert.is(await session.run(both), undefined);
      assert.equal(await session.run([both]), [undefined]);
      assert.equal([device.memory().readBytes, device.memory().reads], [readBytes, reads]);
      assert.equal((await session.run([v, w])).map(list), [[21, 42], [20]]);
    }));

  test(`${on}: what a run computes from a variable sees it as it was; variables can exchange their values`, () =>
    inSession(async (session) => {
      const [v, w] = [variable([1, 2], 'v'), variable([3, 4], 'w')];
      const next = assignAdd(v, constant([1, 1]));
      assert.equal((await session.run([v, next, plus(v, next)])).map(list), [
        [1, 2],
        [2, 3],
        [3, 5],
      ]);
      await session.run(group(assign(v, w), assign(w, v)));
      assert.equal((await session.run([v, w])).map(list), [
        [3, 4],
        [2, 3],
      ]);
      const doubled = mul(v, 2);
      await session.run(group(assign(v, doubled), assign(w, doubled)));
      await session.run(assignAdd(v, constant([1, 1])));
      assert.equal((await session.run([v, w])).map(list), [
        [7, 9],
        [6, 8],
      ]);
      const seven = mul(constant([3.5, 3.5]), 2);
      for (let i = 0; i < 2; i++) await session.run([assign(w, seven), assignAdd(v, seven)]);
      assert.equal((await session.run([v, w])).map(list), [
        [21, 23],
        [7, 7],
      ]);
    }));

  test(`${on}: views are fetched in row-major order, assigned as copies, and fed from lists or arrays`, () =>
    inSession(async (session) => {
      const x = placeholder([2, 2], 'f32', 'x');
      const v = variable(new Float32Array(4), 'v', { shape: [2, 2] });
      const turned = transpose(x);
      const rows = [
        [1, 2],
        [3, 4],
      ];
      assert.equal((await session.run([turned, assign(v, turned)], [[x, rows]])).map(list), [
        [1, 3, 2, 4],
        [1, 3, 2, 4],
      ]);
      assert.equal(list(await session.run(x, new Map([[x, Float64Array.of(5, 6, 7, 8)]]))), [5, 6, 7, 8]);
      assert.equal(list(await session.run(v)), [1, 3, 2, 4]);
    }));

  test(`${on}: a part of a larger value is assigned as a copy: the variable keeps its size`, () =>
    inSession(async (session) => {
      const x = placeholder([64], 'f32', 'x');
      const v = variable([1, 2], 'v');
      const next = assign(v, slice(plus(x, 1), [0, 2]));
      for (let run = 0; run < 3; run++) await session.run(next, [[x, new Float32Array(64).fill(run)]]);
      assert.equal(list(await session.run(v)), [3, 3]);
      assert.is(session.report().planBytes, 0);
      await session.run(next, [[x, new Float32Array(64)]]);
      assert.is(session.report().planBytes, 4 * (64 + 2));
    }));

  test(`${on}: nodes that are tensors share their bytes, and what a run assigns the tensor has`, () =>
    leavesNothing(device, async () => {
      const [v, c] = [tensor([1, 2], { device }), tensor([10, 20], { device })];
      const { writtenBytes, liveBuffers } = device.memory();
      const [x, y] = [variable(v, 'v'), constant(c, 'c')];
      const next = plus(x, y);
      // Written where it lies, and copied there.
      for (const inPlaceUpdates of [true, false]) {
        await using session = new Session({ device, rewrites: { inPlaceUpdates } });
        await session.run(group(assign(x, next)));
        assert.is(device.memory().writtenBytes, writtenBytes);
        assert.is(v.storage.users, 2);
      }
      assert.equal(list(await v.read()), [21, 42]);
      assert.is(device.memory().liveBuffers, liveBuffers);
    }));

  test(`${on}: a tape notices what a run has done to a tensor that it kept`, () =>
    leavesNothing(device, async () => {
      const v = tensor([1, 2], { device, requiresGrad: true });
      const kept = v.mul(v).sum();
      const x = variable(v);
      await using session = new Session({ device });
      await session.run(group(assignAdd(x, x)));
      refuses(() => kept.backward(), 'was changed in place');
    }));

  test(`${on}: what only made other constants is freed, and found again by a later plan`, () =>
    leavesNothing(device, async () => {
      const c = tensor([1, 2, 3], { device });
      const node = constant(c);
      const scaled = mul(node, 2);
      const x = placeholder([3], 'f32', 'x');
      await using session = new Session({ device });
      const feeds: Feeds = [[x, [1, 1, 1]]];
      assert.equal(list(await session.run(plus(x, scaled), feeds)), [3, 5, 7]);
      assert.is(c.storage.users, 1);
      assert.equal(list(await session.run(plus(x, node), feeds)), [2, 3, 4]);
      assert.is(c.storage.users, 2);
      assert.equal(list(await session.run(plus(x, scaled), feeds)), [3, 5, 7]);
    }));

  test(`${on}: kernels that are named go before the ones that would be chosen`, () =>
    inSession(async () => {
      const x = placeholder([64, 64], 'f32', 'x');
      const [product, ones] = [matmul(x, x), new Float32Array(64 * 64).fill(1)];
      for (const kernels of [['naive'], ['nobody', 'tiled', 'blocked']]) {
        await using session = new Session({ device, kernels });
        const values = (await session.run(product, [[x, ones]])) as Float32Array;
        assert.ok(values.every((value) => value === 64));
        const [used] = session.report().kernels.map(({ kernel }) => kernel.split('/')[1]);
        assert.ok(kernels.includes(used), used);
      }
    }));

  test(`${on}: a timed run gives the same, with the time and the cost of each kernel`, () =>
    inSession(async (session) => {
      const x = placeholder([4, 3], 'f32', 'x');
      const product = sum(matmul(x, transpose(x)));
      const feeds: Feeds = [[x, new Float32Array(12).fill(1)]];
      assert.is(await session.run(product, feeds), 48);
      assert.ok(session.report().kernels.every(({ ns }) => ns === undefined));
      assert.is(await session.run(product, feeds, { timed: true }), 48);
      const { kernels } = session.report();
      assert.ok(kernels.every(({ ns }) => ns! >= 0));
      assert.is(kernels.find(({ kernel }) => kernel.startsWith('matmul/'))!.cost!.flops, 2 * 4 * 4 * 3);
    }));

  test(`${on}: momentum follows its recurrence, with a rate that is fed`, () =>
    inSession(async (session) => {
      const w = variable([1, -2], 'w');
      const rate = placeholder([], 'f32', 'rate');
      const loss = sum(square(w));
      const step = new GradientDescent({ rate, momentum: 0.5 }).minimize(loss);
      const [weights, velocities] = [
        [1, -2],
        [0, 0],
      ];
      for (let i = 1; i <= 3; i++) {
        const expected = weights.reduce((total, each) => total + each * each, 0);
        const [now] = await session.run([loss, step], [[rate, 0.1 / i]]);
        assert.is(differs([now as number], [expected], 1e-6), undefined);
        weights.forEach((weight, at) => {
          velocities[at] = 0.5 * velocities[at] + 2 * weight;
          weights[at] -= (0.1 / i) * velocities[at];
        });
      }
      assert.is(differs(list(await session.run(w)), weights, 1e-6), undefined);
    }));

  test(`${on}: gradients of gradients, through shared and unused branches`, () =>
    inSession(async (session) => {
      const x = placeholder([2], 'f32', 'x');
      const cube = mul(square(x), x);
      const [first] = gradients(sum(plus(cube, x)), [x]);
      const [second] = gradients(sum(first), [x]);
      const [middle] = gradients(sum(square(cube)), [cube]);
      assert.equal((await session.run([first, second, middle], [[x, [1, 2]]])).map(list), [
        [4, 13],
        [6, 12],
        [2, 16],
      ]);
    }));

  test(`${on}: runs that overlap are done one after the other; a run that was refused leaves the session usable`, () =>
    inSession(async (session) => {
      const [v, x] = [variable([0], 'v'), placeholder([1], 'f32', 'x')];
      const next = assignAdd(v, x);
      assert.match(await refused(session.run(next)), /placeholder x f32\[1\] is needed/);
      const runs = [1, 2, 3].map((value) => session.run(next, [[x, [value]]]));
      assert.equal((await Promise.all(runs)).map(list), [[1], [3], [6]]);
      assert.equal(list(await session.run(v)), [6]);
    }));
}

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Values } from '../../kernels/index.ts';
import { grad } from '../autograd.ts';
import { tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing, sampleValues } from '../each-device.ts';
import type { Value } from '../op.ts';
import { gather } from '../ops/gather.ts';
import { matmul } from '../ops/matmul.ts';
import { add, floor, relu, square, tanh } from '../ops/pointwise.ts';
import { sum } from '../ops/reduce.ts';
import { reshape, slice } from '../ops/shape.ts';
import { refuses } from '../refuses.ts';
import type { Feeds } from './feeds.ts';
import { cond, whileLoop } from './flow.ts';
import { gradients } from './gradients.ts';
import { assign, assignAdd, constant, type GraphNode, group, placeholder, variable } from './node.ts';
import { GradientDescent } from './optimizer.ts';
import { REWRITES } from './rewrite.ts';
import { type Fetch, Session } from './session.ts';

const list = (values: unknown): number[] => (typeof values === 'number' ? [values] : [...(values as Values)]);
const scalar = (value: number): GraphNode => constant(value);
const count = (value: number): GraphNode => constant(Int32Array.of(value), undefined, { shape: [] });

// An RNN over [T, N, D] whose loss is the sum of squares of its last state, h' = tanh(x[t] · w + h · u), written once for every style.
const [T, N, D, H] = [5, 3, 4, 2];
const rnnData = {
  x: sampleValues(T * N * D, 1, -1, 1),
  w: sampleValues(D * H, 2, -1, 1),
  u: sampleValues(H * H, 3, -1, 1),
  h: sampleValues(N * H, 4, -1, 1),
};
const rnnShapes = { x: [T, N, D], w: [D, H], u: [H, H], h: [N, H] } as const;
const cell = <V extends Value>(x: V, h: V, w: V, u: V): V => tanh<V>(add<V>(matmul(x, w), matmul(h, u)));
const lossOf = <V extends Value>(h: V): V => sum<V>(square<V>(h));
function unrolled<V extends Value>(x: V, w: V, u: V, h: V): V {
  let state = h;
  for (let t = 0; t < T; t++) state = cell(reshape(slice(x, [t, t + 1]), [N, D]), state, w, u);
  return state;
}
const looped = (x: GraphNode, w: GraphNode, u: GraphNode, h: GraphNode, maxIterations?: number): GraphNode =>
  whileLoop(
    (t) => t.lt(T),
    (t, state) => [t.add(1), cell(gather(x, t), state, w, u)],
    [count(0), h],
    { maxIterations },
  )[1];
const rnnNodes = () =>
  Object.entries(rnnData).map(([name, values]) => variable(values, name, { shape: rnnShapes[name as keyof typeof rnnShapes] }));

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;
  const inSession = (body: (session: Session) => Promise<void>, rewrites?: Partial<Record<(typeof REWRITES)[number], boolean>>) =>
    leavesNothing(device, async () => {
      await using session = new Session({ device, rewrites });
      await body(session);
    });
  const values = async (session: Session, fetches: readonly Fetch[], feeds: Feeds = []) => (await session.run(fetches, feeds)).map(list);

  /** Gradients of `loss` by a placeholder against differences of float64 sums of f32 runs. */
  async function agreesWithDifferences(session: Session, x: GraphNode, loss: GraphNode, at: readonly number[]): Promise<void> {
    const [slope] = gradients(loss, [x]);
    const [found] = await values(session, [slope], [[x, at]]);
    const lossAt = async (i: number, by: number) => (await session.run(loss, [[x, at.with(i, at[i] + by)]])) as number;
    for (let i = 0; i < at.length; i++) {
      const difference = async (step: number) => ((await lossAt(i, step)) - (await lossAt(i, -step))) / (2 * step);
      const numeric = (4 * (await difference(0.02)) - (await difference(0.04))) / 3;
      assert.ok(
        Math.abs(numeric - found[i]) <= 2e-3 * Math.max(1, Math.abs(numeric)),
        `element ${i}: ${found[i]}, differences say ${numeric}`,
      );
    }
  }

  test(`${on}: an RNN as a loop equals the unrolled and the eager one, in values and gradients`, () =>
    leavesNothing(device, async () => {
      const [x, w, u, h] = Object.entries(rnnData).map(([name, data]) =>
        tensor(data, { shape: rnnShapes[name as keyof typeof rnnShapes], device, requiresGrad: true }),
      );
      const loss = lossOf(unrolled(x, w, u, h));
      const expected = [list(await loss.read())];
      for (const slope of grad(loss, [x, w, u, h])) expected.push(list(await slope.read()));
      for (const all of [true, false])
        await inSession(
          async (session) => {
            const nodes = rnnNodes();
            const [a, b, c, d] = nodes;
            for (const state of [unrolled(a, b, c, d), looped(a, b, c, d), looped(a, b, c, d, T), looped(a, b, c, d, 99)]) {
              const fetches = [lossOf(state), ...gradients(lossOf(state), nodes)];
              for (let run = 0; run < 2; run++)
                (await values(session, fetches)).forEach((found, i) => assert.is(differs(found, expected[i], 1e-5), undefined));
            }
          },
          Object.fromEntries(REWRITES.map((name) => [name, all])),
        );
    }));

  test(`${on}: a loop trains variables that its body uses; later steps allocate and compile nothing`, () =>
    inSession(async (session) => {
      const [x, w, u, h] = rnnNodes();
      const loss = lossOf(looped(x, w, u, h));
      const step = new GradientDescent({ rate: 0.05 }).minimize(loss, [w, u]);
      const losses = [(await session.run([loss, step]))[0] as number];
      const before = device.memory();
      for (let i = 0; i < 4; i++) losses.push((await session.run([loss, step]))[0] as number);
      const after = device.memory();
      for (const what of ['liveBuffers', 'liveBytes', 'peakBytes', 'programs', 'lateCompiles'] as const)
        assert.is(after[what], before[what], what);
      assert.ok(
        losses.every((each, i) => i === 0 || each < losses[i - 1]),
        `${losses}`,
      );
      const { crossings, kernels } = session.report();
      const back = crossings.filter(({ direction }) => direction === 'device to host');
      assert.equal(
        back.map(({ bytes }) => bytes),
        [...Array(T + 1).fill(1), 4],
      );
      const parts = new Set(kernels.map(({ within }) => within?.replace(/\d+/, 'N')));
      assert.equal(parts, new Set([undefined, 'while_N.condition', 'while_N.body', 'unwind_N.body']));
      const runs = kernels.filter(({ kernel }) => kernel.startsWith('matmul/')).map((each) => each.runs);
      assert.ok(runs.length >= 5 && runs.every((each) => each === T), `${runs}`);
    }));

  test(`${on}: a conditional runs the branch that is taken, and no more`, () =>
    inSession(async (session) => {
      const [x, limit] = [placeholder([2], 'f32', 'x'), placeholder([], 'f32', 'limit')];
      const [value, other] = cond(
        sum(x).gt(limit),
        () => [x.mul(2), x],
        () => [tanh(tanh(x.sub(limit))), constant([7, 8])],
      );
      const slope = gradients(sum(value.mul(x)), [x])[0];
      const fetches = [value, other, slope];
      const taken = await values(session, fetches, [
        [x, [1, 2]],
        [limit, 0],
      ]);
      assert.equal(taken, [
        [2, 4],
        [1, 2],
        [4, 8],
      ]);
      const runsOf = () => Object.fromEntries(session.report().kernels.map(({ nodes, runs }) => [nodes.join('+'), runs]));
      const names = (part: string) => Object.entries(runsOf()).filter(([name]) => name.includes(part));
      assert.ok(names('tanh').length > 0 && names('tanh').every(([, runs]) => runs === 0));
      assert.equal(
        session
          .report()
          .crossings.filter(({ bytes }) => bytes === 1)
          .map(({ direction }) => direction),
        ['device to host', 'device to host'],
      );
      const t = [1, 2].map((each) => Math.tanh(Math.tanh(each - 9)));
      const [missed, rest] = await values(session, fetches, [
        [x, [1, 2]],
        [limit, 9],
      ]);
      assert.is(differs(missed, t, 1e-5), undefined);
      assert.equal(rest, [7, 8]);
      assert.ok(names('tanh').some(([, runs]) => runs === 1));
    }));

  test(`${on}: gradients of conditionals and loops agree with differences, nested and with data-dependent counts`, () =>
    inSession(async (session) => {
      const x = placeholder([3], 'f32', 'x');
      const branch = cond(
        sum(x).gt(0),
        () => sum(square(x).mul(x)),
        () => sum(tanh(x)),
      );
      for (const at of [
        [0.5, -0.2, 0.9],
        [-0.5, 0.3, -0.9],
      ])
        await agreesWithDifferences(session, x, branch, at);
      // Until the state is large enough; inside, another loop and a conditional, both reading the outer state and x.
      const grown = whileLoop(
        (state) => sum(square(state)).lt(40),
        (state) => {
          const inner = whileLoop(
            (i) => i.lt(2),
            (i, value) => [i.add(1), value.mul(1.2).add(state.mul(x.mul(0.1)))],
            [scalar(0), state],
          )[1];
          return cond(
            sum(inner).gt(3),
            () => inner.add(x.mul(0.5)),
            () => inner.mul(1.1),
          );
        },
        x,
      );
      await agreesWithDifferences(session, x, sum(square(grown)), [0.9, 0.7, -0.4]);
      await agreesWithDifferences(session, x, sum(grown.mul(x)), [-0.9, 0.7, -0.4]);
    }));

  test(`${on}: a conditional can be differentiated twice, a loop says that it cannot`, () =>
    inSession(async (session) => {
      const x = placeholder([2], 'f32', 'x');
      const cubes = cond(
        sum(x).gt(0),
        () => sum(square(x).mul(x)),
        () => sum(x),
      );
      const [second] = gradients(sum(gradients(cubes, [x])[0]), [x]);
      assert.equal(await values(session, [second], [[x, [1, 2]]]), [[6, 12]]);
      const powers = whileLoop(
        (y) => sum(y).lt(9),
        (y) => y.mul(x),
        x,
      );
      const [slope] = gradients(sum(powers), [x]);
      refuses(() => gradients(sum(slope), [x]), /the gradient of a whileLoop cannot be differentiated again; unroll the loop/);
    }));

  test(`${on}: states of several kinds; no iteration, a limit, values exchanged, kept and assigned`, () =>
    inSession(async (session) => {
      const n = placeholder([], 'i32', 'n');
      const [, a, b, kept] = whileLoop(
        (i) => i.lt(n),
        (i, a, b, kept) => [i.add(1), b, a.add(b), kept],
        [count(0), count(0), count(1), constant([1.5, 2.5])],
      );
      for (const [steps, fibonacci] of [
        [10, 55],
        [0, 0],
        [1, 1],
      ])
        assert.equal((await values(session, [a, kept], [[n, steps]])).flat(), [fibonacci, 1.5, 2.5]);
      assert.is(await session.run(b, [[n, 10]]), 89);
      const limited = whileLoop(
        (i) => i.lt(100),
        (i) => i.add(1),
        count(0),
        { maxIterations: 7 },
      );
      assert.is(await session.run(limited), 7);
      const [v, w] = [variable([1, 2], 'v'), variable([0, 0], 'w')];
      const doubled = whileLoop(
        (x) => sum(x).lt(10),
        (x) => x.mul(2),
        v,
      );
      for (let run = 0; run < 2; run++) await session.run(group(assign(v, doubled), assign(w, doubled)));
      assert.equal(await values(session, [v, w]), [
        [4, 8],
        [4, 8],
      ]);
    }));

  test(`${on}: collatz: a conditional within a loop, on whole numbers`, () =>
    inSession(async (session) => {
      const start = placeholder([], 'f32', 'start');
      const [, steps] = whileLoop(
        (n) => n.gt(1),
        (n, steps) => {
          const half = floor(n.div(2));
          const isEven = half.mul(2).eq(n);
          return [
            cond(
              isEven,
              () => half,
              () => n.mul(3).add(1),
            ),
            steps.add(1),
          ];
        },
        [start, count(0)],
      );
      assert.is(await session.run(steps, [[start, 27]]), 111);
      assert.is(await session.run(steps, [[start, 1]]), 0);
    }));

  test(`${on}: runs with loops that overlap are done one after the other`, () =>
    inSession(async (session) => {
      const [v, x] = [variable([0], 'v'), placeholder([1], 'f32', 'x')];
      const grown = whileLoop(
        (y) => sum(y).lt(3),
        (y) => y.add(x),
        v,
      );
      const next = assignAdd(v, grown.sub(v));
      const runs = [1, 5, 2].map((value) => session.run(next, [[x, [value]]]));
      assert.equal((await Promise.all(runs)).map(list), [[3], [3], [3]]);
      assert.equal(list(await session.run(v.add(1))), [4]);
    }));
}

test('what cannot be a branch or body is refused where it is written', () => {
  const [x, v] = [placeholder([2], 'f32', 'x'), variable([1, 2], 'v')];
  const [p, q] = [sum(x).gt(0), x.gt(0)];
  refuses(
    () =>
      cond(
        sum(x),
        () => x,
        () => x,
      ),
    /cond: the predicate is sum_\d+ f32\[\], expected one bool; compare by lt/,
  );
  refuses(
    () =>
      cond(
        q,
        () => x,
        () => x,
      ),
    /cond: the predicate is gt_\d+ bool\[2\], expected one bool/,
  );
  refuses(
    () =>
      cond(
        true as never,
        () => x,
        () => x,
      ),
    'cond: the predicate is true, expected a node',
  );
  refuses(
    () =>
      cond(
        p,
        () => x,
        () => sum(x),
      ),
    /cond: otherwise gave sum_\d+ f32\[\] as value 0, but then f32\[2\]; expected the same shape/,
  );
  refuses(
    () =>
      cond(
        p,
        () => [x, x],
        () => [x],
      ),
    'cond: otherwise gave 1 values, but then 2; expected as many',
  );
  refuses(
    () =>
      cond(
        p,
        () => 3 as never,
        () => x,
      ),
    'cond: then gave 3 as value 0, expected nodes of a graph; wrap numbers in constant(..)',
  );
  refuses(
    () =>
      cond(
        p,
        () => [],
        () => [],
      ),
    'cond: then gave nothing, expected nodes of a graph',
  );
  refuses(
    () =>
      cond(
        p,
        () => assign(v, x),
        () => x,
      ),
    /cond: assign_\d+ f32\[2\] assigns inside of a branch or body; make the new value a result/,
  );
  refuses(
    () =>
      whileLoop(
        () => p,
        (y) => sum(y),
        x,
      ),
    /whileLoop: the body gave sum_\d+ f32\[\] as value 0, but it began with f32\[2\]/,
  );
  refuses(
    () =>
      whileLoop(
        (y) => sum(y),
        (y) => y,
        x,
      ),
    /whileLoop: the condition is sum_\d+ f32\[\], expected one bool/,
  );
  refuses(
    () =>
      whileLoop(
        () => p,
        (y) => y,
        x,
        { maxIterations: -1 },
      ),
    'whileLoop: maxIterations is -1, expected a whole number from 0',
  );
  refuses(
    () =>
      whileLoop(
        () => p,
        (y) => y,
        1 as never,
      ),
    'whileLoop: initial gave 1 as value 0, expected nodes',
  );
  const masked = whileLoop(
    (y) => p.and(sum(y).lt(1)),
    (y) => relu(y),
    x,
  );
  assert.equal([masked.shape, masked.dtype], [[2], 'f32']);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Values } from '../../kernels/index.ts';
import { tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing } from '../each-device.ts';
import { square } from '../ops/pointwise.ts';
import { sum } from '../ops/reduce.ts';
import * as optim from '../optim/index.ts';
import { refuses } from '../refuses.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { placeholder, variable } from './node.ts';
import { Adagrad, Adam, AdamW, GradientDescent, type GraphOptimizer, RmsProp } from './optimizer.ts';
import { Session } from './session.ts';

const RATE = 0.05;
const START = [1, -2, 0.5, 3, -0.25];
const STEPS = 8;

/** A formula in float64: the next value from the value, its gradient and the step, counted from 1; `s` holds what it keeps. */
type Reference = (s: { m: number; v: number }, p: number, g: number, t: number) => number;

const sgd =
  (momentum: number, nesterov: boolean, decay: number): Reference =>
  (s, p, slope) => {
    const g = slope + decay * p;
    s.v = momentum * s.v + g;
    return p - RATE * (nesterov ? g + momentum * s.v : s.v);
  };
const adam =
  (decay: number, isDecoupled: boolean): Reference =>
  (s, p, slope, t) => {
    const g = isDecoupled ? slope : slope + decay * p;
    s.m = 0.9 * s.m + 0.1 * g;
    s.v = 0.999 * s.v + 0.001 * g * g;
    const kept = isDecoupled ? p * (1 - RATE * decay) : p;
    return kept - (RATE * (s.m / (1 - 0.9 ** t))) / (Math.sqrt(s.v / (1 - 0.999 ** t)) + 1e-8);
  };
const scaled =
  (next: (v: number, g: number) => number): Reference =>
  (s, p, g) => {
    s.v = next(s.v, g);
    return p - (RATE * g) / (Math.sqrt(s.v) + 1e-6);
  };

const cases: [name: string, graph: GraphOptimizer, eager: (parameters: Tensor[]) => optim.Optimizer, reference: Reference][] = [
  ['gradient descent', new GradientDescent({ rate: RATE }), (p) => new optim.Sgd(p, { lr: RATE }), sgd(0, false, 0)],
  [
    'momentum and weight decay',
    new GradientDescent({ rate: RATE, momentum: 0.8, weightDecay: 0.1 }),
    (p) => new optim.Sgd(p, { lr: RATE, momentum: 0.8, weightDecay: 0.1 }),
    sgd(0.8, false, 0.1),
  ],
  [
    'Nesterov',
    new GradientDescent({ rate: RATE, momentum: 0.8, nesterov: true }),
    (p) => new optim.Sgd(p, { lr: RATE, momentum: 0.8, nesterov: true }),
    sgd(0.8, true, 0),
  ],
  ['Adam', new Adam({ rate: RATE }), (p) => new optim.Adam(p, { lr: RATE }), adam(0, false)],
  [
    'Adam with weight decay',
    new Adam({ rate: RATE, weightDecay: 0.1 }),
    (p) => new optim.Adam(p, { lr: RATE, weightDecay: 0.1 }),
    adam(0.1, false),
  ],
  ['AdamW', new AdamW({ rate: RATE }), (p) => new optim.AdamW(p, { lr: RATE }), adam(0.01, true)],
  [
    'Adagrad',
    new Adagrad({ rate: RATE, epsilon: 1e-6 }),
    (p) => new optim.Adagrad(p, { lr: RATE, epsilon: 1e-6 }),
    scaled((v, g) => v + g * g),
  ],
  [
    'RMSProp',
    new RmsProp({ rate: RATE, epsilon: 1e-6, alpha: 0.9 }),
    (p) => new optim.RmsProp(p, { lr: RATE, epsilon: 1e-6, alpha: 0.9 }),
    scaled((v, g) => 0.9 * v + 0.1 * g * g),
  ],
];

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;
  const list = (values: unknown) => [...(values as Values)];

  for (const [name, graph, eager, reference] of cases)
    test(`${on}: ${name}: the graph, the eager optimizer and float64 agree step by step; no step compiles or allocates`, () =>
      leavesNothing(device, async () => {
        await using session = new Session({ device });
        const weight = variable(START, 'w');
        const loss = sum(square(weight));
        const step = graph.minimize(loss);
        const parameter = tensor(START, { device, requiresGrad: true });
        using optimizer = eager([parameter]);
        const exact = [...START];
        const states = START.map(() => ({ m: 0, v: 0 }));
        let before = device.memory();
        for (let t = 1; t <= STEPS; t++) {
          exact.forEach((p, i) => (exact[i] = reference(states[i], p, 2 * p, t)));
          await session.run(step);
          assert.is(differs(list(await session.run(weight)), exact, 1e-5), undefined, `graph, step ${t}`);
          scope(() => {
            optimizer.zeroGrad();
            parameter.square().sum().backward();
            optimizer.step();
          });
          assert.is(differs(await parameter.read(), exact, 1e-5), undefined, `eager, step ${t}`);
          if (t === 1) before = device.memory();
        }
        const after = device.memory();
        for (const what of ['liveBuffers', 'liveBytes', 'programs', 'lateCompiles'] as const) assert.is(after[what], before[what], what);
        assert.ok(session.report().crossings.every(({ node }) => node === 'w'));
      }));

  test(`${on}: a schedule is followed step by step, its last rate stays; another session begins anew`, () =>
    leavesNothing(device, async () => {
      const schedule = optim.warmUp(2, optim.exponentialDecay(0.4, 0.5));
      const weight = variable([1], 'w');
      const step = new GradientDescent({ rate: { schedule, steps: 4 } }).minimize(sum(weight));
      for (let round = 0; round < 2; round++) {
        await using session = new Session({ device });
        let expected = 1;
        for (let t = 0; t < 6; t++) {
          expected -= schedule(Math.min(t, 3));
          await session.run(step);
          assert.is(differs(list(await session.run(weight)), [expected], 1e-6), undefined);
        }
      }
    }));

  test(`${on}: a rate is fed; gradients are clipped together, as the eager ones are`, () =>
    leavesNothing(device, async () => {
      await using session = new Session({ device });
      const [a, b] = [variable([3], 'a'), variable([2, 0], 'b')];
      const rate = placeholder([], 'f32', 'rate');
      const loss = sum(square(a)).add(sum(square(b)));
      const step = new GradientDescent({ rate, clipNorm: 1 }).minimize(loss, [a, b]);
      // The gradients are [6] and [4, 0]: of norm √52.
      await session.run(step, [[rate, 0.5]]);
      const norm = Math.sqrt(52);
      const expected = [3 - 3 / norm, 2 - 2 / norm, 0];
      assert.is(differs([...list(await session.run(a)), ...list(await session.run(b))], expected, 1e-6), undefined);
      const clipped = optim.clippedByNorm([tensor([6], { device }), tensor([4, 0], { device })], 1);
      const small = optim.clippedByNorm([tensor([0.3], { device }), tensor([0, 0], { device })], 1);
      const found = await Promise.all([...clipped, ...small].map((each) => each.read()));
      assert.is(
        differs(
          found.flatMap((each) => [...each]),
          [6 / norm, 4 / norm, 0, 0.3, 0, 0],
          1e-6,
        ),
        undefined,
      );
    }));
}

test('settings that cannot be are refused', () => {
  const w = variable([1], 'w');
  refuses(() => new GradientDescent({ rate: 0 }), 'optimizer: rate is 0, expected a number above 0');
  refuses(() => new GradientDescent({ rate: 1, momentum: 1 }), 'sgd: momentum is 1, expected a number from 0 to below 1');
  refuses(() => new Adam({ rate: 1, betas: [0.9, 1] }), 'adam: betas[1] is 1, expected a number from 0 to below 1');
  refuses(() => new Adam({ rate: 1, epsilon: -1 }), 'adam: epsilon is -1');
  refuses(() => new RmsProp({ rate: 1, alpha: -1 }), 'rmsProp: alpha is -1');
  refuses(() => new Adagrad({ rate: 1, weightDecay: Number.NaN }), 'adagrad: weightDecay is NaN');
  refuses(() => new Adam({ rate: 1 }).minimize(sum(placeholder([2]))), /minimize: sum_\d+ f32\[\] depends on no f32 variable/);
  const scheduled = (schedule: optim.Schedule, steps: number) => () => new Adam({ rate: { schedule, steps } }).minimize(sum(w));
  refuses(
    scheduled(() => 1, 0),
    'optimizer: the schedule has 0 steps, expected a whole number from 1',
  );
  refuses(
    scheduled((step) => 1 - step, 3),
    "optimizer: the schedule's rate of step 2 is -1, expected a number from 0",
  );
  refuses(() => optim.clippedByNorm([], 1), 'clippedByNorm: got no gradients');
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing } from '../each-device.ts';
import { launchesOf } from '../launches.ts';
import { refuses } from '../refuses.ts';
import { noGrad } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { Adagrad, Adam, AdamW, cosineDecay, exponentialDecay, type Optimizer, RmsProp, Sgd, stepDecay, warmUp } from './index.ts';

/** One element's descent in float64: gives the next value from the value, its gradient and the step, counted from 1. */
type Reference = (state: { m: number; v: number }) => (p: number, g: number, t: number) => number;

const LR = 0.1;
const sgd =
  (momentum: number, nesterov: boolean, decay: number): Reference =>
  (state) =>
  (p, gradient) => {
    const g = gradient + decay * p;
    state.v = momentum * state.v + g;
    return p - LR * (nesterov ? g + momentum * state.v : state.v);
  };
const adam =
  (decay: number, isDecoupled: boolean): Reference =>
  (state) =>
  (p, gradient, t) => {
    const g = isDecoupled ? gradient : gradient + decay * p;
    state.m = 0.9 * state.m + 0.1 * g;
    state.v = 0.99 * state.v + 0.01 * g * g;
    const kept = isDecoupled ? p * (1 - LR * decay) : p;
    return kept - (LR * (state.m / (1 - 0.9 ** t))) / (Math.sqrt(state.v / (1 - 0.99 ** t)) + 1e-6);
  };
const scaled =
  (next: (s: number, g: number) => number): Reference =>
  (state) =>
  (p, g) => {
    state.v = next(state.v, g);
    return p - (LR * g) / (Math.sqrt(state.v) + 1e-6);
  };

const betas = [0.9, 0.99] as const;
const cases: [name: string, make: (parameters: Tensor[]) => Optimizer, reference: Reference][] = [
  ['SGD', (p) => new Sgd(p, { lr: LR }), sgd(0, false, 0)],
  ['SGD with weight decay', (p) => new Sgd(p, { lr: LR, weightDecay: 0.2 }), sgd(0, false, 0.2)],
  ['SGD with momentum', (p) => new Sgd(p, { lr: LR, momentum: 0.8, weightDecay: 0.1 }), sgd(0.8, false, 0.1)],
  ['Nesterov', (p) => new Sgd(p, { lr: LR, momentum: 0.8, nesterov: true }), sgd(0.8, true, 0)],
  ['Adam', (p) => new Adam(p, { lr: LR, betas, epsilon: 1e-6, weightDecay: 0.1 }), adam(0.1, false)],
  ['AdamW', (p) => new AdamW(p, { lr: LR, betas, epsilon: 1e-6, weightDecay: 0.1 }), adam(0.1, true)],
  ['Adagrad', (p) => new Adagrad(p, { lr: LR, epsilon: 1e-6 }), scaled((s, g) => s + g * g)],
  ['RMSProp', (p) => new RmsProp(p, { lr: LR, epsilon: 1e-6, alpha: 0.9 }), scaled((s, g) => 0.9 * s + 0.1 * g * g)],
];

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;

  for (const [name, make, reference] of cases)
    test(`${on}: ${name} follows its formula in float64`, () =>
      leavesNothing(device, async () => {
        const start = [1, -2, 0.5, 3, -0.25];
        const parameter = tensor(start, { device, requiresGrad: true });
        using optimizer = make([parameter]);
        const exact = start.map((p) => {
          const next = reference({ m: 0, v: 0 });
          // The loss is the sum of p^2: its gradient is 2p.
          for (let t = 1; t <= 8; t++) p = next(p, 2 * p, t);
          return p;
        });
        let misses = 0;
        for (let t = 1; t <= 8; t++) {
          optimizer.zeroGrad();
          parameter.square().sum().backward();
          optimizer.step();
          if (t === 1) misses = launchesOf(device).misses;
        }
        assert.is(launchesOf(device).misses, misses);
        assert.is(differs(await parameter.read(), exact, 2e-5), undefined);
      }));

  test(`${on}: the learning rate may change from step to step, without another kernel`, () =>
    leavesNothing(device, async () => {
      const parameter = tensor([0], { device, requiresGrad: true });
      using optimizer = new Sgd([parameter], { lr: 1 });
      const { writes } = device.memory();
      for (const lr of [1, 0.5, 0.5]) {
        optimizer.lr = lr;
        optimizer.zeroGrad();
        parameter.sum().backward();
        optimizer.step();
      }
      assert.is(device.memory().writes, writes + 2);
      assert.is(await parameter.item(), -2);
    }));

  test(`${on}: a step before backward is noticed`, () =>
    leavesNothing(device, () => {
      const parameter = tensor([1, 2], { device, requiresGrad: true });
      using optimizer = new Sgd([parameter], { lr: 1 });
      const loss = parameter.square().sum();
      parameter.sum().backward();
      optimizer.step();
      refuses(() => loss.backward(), "backward: a tensor that square kept was changed in place; call backward before the optimizer's step");
    }));

  test(`${on}: parameters and settings that cannot be are refused`, () =>
    leavesNothing(device, () => {
      const parameter = tensor([1], { device, requiresGrad: true });
      refuses(() => new Sgd([], { lr: 1 }), 'optimizer: got no parameters; pass module.parameters()');
      refuses(() => new Sgd([noGrad(() => parameter.add(1))], { lr: 1 }), /parameter 0 has no gradient/);
      refuses(() => new Sgd([parameter], { lr: -1 }), 'optimizer: lr is -1, expected a number from 0 to below Infinity');
      refuses(() => new Adam([parameter], { betas: [0.9, 1] }), 'adam: betas[1] is 1, expected a number from 0 to below 1');
    }));
}

test('schedules give the rates they promise', () => {
  const close = (actual: number[], expected: number[]) => assert.is(differs(actual, expected, 1e-12), undefined);
  close([0, 9, 10, 25].map(stepDecay(1, 10)), [1, 1, 0.1, 0.01]);
  close([0, 1, 3].map(exponentialDecay(2, 0.5)), [2, 1, 0.25]);
  close([0, 5, 10, 20].map(cosineDecay(1, 10, 0.2)), [1, 0.6, 0.2, 0.2]);
  close([0, 1, 4, 5].map(warmUp(4, exponentialDecay(8, 0.5))), [2, 4, 8, 4]);
});

test.run();

// Optimizers and schedules against PyTorch's parameters step by step, made once by ../nn/fixtures/make.py.

import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing } from '../each-device.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import {
  Adagrad,
  Adam,
  AdamW,
  cosineDecay,
  exponentialDecay,
  type Optimizer,
  RmsProp,
  type Schedule,
  Sgd,
  stepDecay,
  warmUp,
} from './index.ts';

interface OptimizerCase {
  readonly start: number[];
  readonly scale: number[];
  /** The parameter after each step down the sum of p² scale + p³ / 10. */
  readonly after: number[][];
}

const { optimizers, schedules } = JSON.parse(readFileSync(new URL('../nn/fixtures/torch.json', import.meta.url), 'utf8')) as {
  optimizers: Record<string, OptimizerCase>;
  schedules: Record<string, number[]>;
};

const lr = 0.05;
const adam = { lr, betas: [0.9, 0.99], epsilon: 1e-6, weightDecay: 0.1 } as const;
const makers: Record<string, (parameters: Tensor[]) => Optimizer> = {
  SGD: (p) => new Sgd(p, { lr }),
  'SGD with weight decay': (p) => new Sgd(p, { lr, weightDecay: 0.2 }),
  'SGD with momentum': (p) => new Sgd(p, { lr, momentum: 0.8, weightDecay: 0.1 }),
  Nesterov: (p) => new Sgd(p, { lr, momentum: 0.8, nesterov: true }),
  Adam: (p) => new Adam(p, adam),
  AdamW: (p) => new AdamW(p, adam),
  RMSProp: (p) => new RmsProp(p, { lr, alpha: 0.9, epsilon: 1e-6 }),
  Adagrad: (p) => new Adagrad(p, { lr, epsilon: 1e-6 }),
};

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  for (const [name, { start, scale, after }] of Object.entries(optimizers))
    test(`${device.kind}: ${name} goes where PyTorch's goes`, () =>
      leavesNothing(device, async () => {
        const p = tensor(start, { device, requiresGrad: true });
        const weight = tensor(scale, { device });
        using optimizer = makers[name]([p]);
        for (const [step, expected] of after.entries()) {
          scope(() => {
            optimizer.zeroGrad();
            p.square().mul(weight).add(p.pow(3).div(10)).sum().backward();
            optimizer.step();
          });
          assert.is(differs(await p.read(), expected, 2e-5), undefined, `after step ${step + 1}`);
        }
      }));
}

const rates: Record<string, Schedule> = {
  stepDecay: stepDecay(0.8, 3, 0.5),
  exponentialDecay: exponentialDecay(0.8, 0.9),
  cosineDecay: cosineDecay(0.8, 11, 0.1),
  warmUp: warmUp(4, () => 0.8),
};

test('schedules give the rates of PyTorch', () => {
  for (const [name, expected] of Object.entries(schedules))
    assert.is(
      differs(
        expected.map((_, step) => rates[name](step)),
        expected,
        1e-9,
      ),
      undefined,
      name,
    );
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Request, UsageError } from '../harness/suite.ts';
import { inStaticStyle } from './train/steps.ts';
import { workOf } from './train/work.ts';
import suite from './train.ts';

const request = (more: Partial<Request> = {}): Request => ({
  devices: ['cpu'],
  quick: false,
  seed: 1,
  threads: [1, 2],
  options: {},
  ...more,
});

test('both styles at every thread count, the first style under default flags too, and what peers are asked', () => {
  const cases = suite.cases(request({ devices: ['cpu', 'webgpu'] }));
  assert.equal(
    cases.map(({ name }) => name),
    ['train/two-layer/64x1000x100', 'train/two-layer/1024x1024x1024', 'train/mnist-cnn/64'],
  );
  const onCpu = (threads: number) =>
    ['static', 'eager', 'static'].map((style, i) => `ours:${style}@cpu/${threads}${i > 1 ? '/default-flags' : ''}`);
  for (const { arms, asked, readback } of cases) {
    assert.equal(
      arms!.map(({ name }) => name),
      [...onCpu(1), ...onCpu(2), 'ours:static@webgpu', 'ours:eager@webgpu'],
    );
    assert.is(asked!.kind, 'train-step');
    assert.is(readback, true);
  }
  assert.is(cases[0].cost!.flops, 10 * 64 * 1000 * 100);
});

test('a quick run spares an emulated GPU the large nets; options and sizes choose', () => {
  const names = (more: Partial<Request>) =>
    suite.cases(request({ devices: ['webgpu'], ...more })).map(({ name, arms }) => [name, arms!.length]);
  assert.equal(names({ quick: true }), [['train/two-layer/64x1000x100', 2]]);
  const spared = suite.cases(request({ devices: ['cpu', 'webgpu'], quick: true }));
  assert.equal(
    spared.map(({ devices }) => devices),
    [undefined, ['cpu'], ['cpu']],
  );
  assert.equal(names({ options: { net: 'mnist-cnn', style: 'eager' } }), [['train/mnist-cnn/64', 1]]);
  assert.equal(names({ shapes: '4x5x6' }), [['train/two-layer/4x5x6', 2]]);
  assert.throws(
    () => names({ options: { net: 'lenet' } }),
    (error: Error) => error instanceof UsageError && /--net: 'lenet' is none of two-layer, mnist-cnn/.test(error.message),
  );
});

test('every arm follows the float64 losses, moves only its loss, and tells how far it is off', async () => {
  for (const { name, arms } of [
    ...suite.cases(request({ threads: [2], shapes: '70x20x12' })),
    ...suite.cases(request({ threads: [2], options: { net: 'mnist-cnn' } })),
  ])
    for (const arm of arms!) {
      const work = await arm.make();
      await work.run();
      assert.is(await work.verify!(), undefined, `${name} ${arm.name}`);
      const { bytesH2d, bytesD2h, maxRelErr } = await work.facts!();
      assert.equal([bytesH2d, bytesD2h], [0, 4], arm.name);
      assert.ok(maxRelErr! < 1e-5);
      await work.close!();
    }
});

test('a step that strays from the float64 losses is told', async () => {
  const [{ asked }] = suite.cases(request({ shapes: '9x7x5' }));
  const { training } = asked as Extract<typeof asked, { kind: 'train-step' }>;
  const slower = { ...training, rate: training.rate * 0.99 };
  const work = await workOf((_, data, device) => inStaticStyle(slower, data, device), training, 1, 'cpu', { threads: 1 });
  assert.match(String(await work.verify!()), /the loss of step 1 is .*, expected .* within 0.00001 of it/);
  await work.close!();
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Request, UsageError } from '../harness/suite.ts';
import { type LadderRung, ladder } from './lecture/ladder.ts';
import { startOf } from './lecture/start.ts';
import { workOf } from './lecture/work.ts';
import suite from './lecture.ts';

const request = (more: Partial<Request> = {}): Request => ({
  devices: ['cpu', 'webgpu'],
  quick: false,
  seed: 1,
  threads: [1, 2],
  options: {},
  ...more,
});

test('the ladder is listed in order, once for each device, and what runs on the host once', () => {
  const cases = suite.cases(request());
  assert.equal(
    cases.map(({ name, arms }) => [name, arms!.map((arm) => arm.name.split('@')[0]).join(' ')]),
    [
      ['lecture/static/64x1000x100/cpu', 'arrays placeholders variables assign group optimizer layers'],
      ['lecture/dynamic/64x1000x100/cpu', 'tensors autograd custom modules optim subclass batches'],
      ['lecture/static/64x1000x100/webgpu', 'placeholders variables assign group optimizer layers'],
      ['lecture/dynamic/64x1000x100/webgpu', 'tensors autograd custom modules optim subclass batches'],
    ],
  );
  assert.equal([cases[0].arms![1].name, cases[0].arms![1].threads], ['placeholders@cpu/2', 2]);
});

test('each arm is checked, and tells what a step moves and where the loss has come to', async () => {
  const losses = new Set<string>();
  for (const { arms } of suite.cases(request({ devices: ['cpu'], shapes: '16x24x12' })))
    for (const arm of arms!) {
      const work = await arm.make();
      await work.run();
      assert.is(await work.verify!(), undefined, arm.name);
      const { bytesH2d, bytesD2h, extra } = await work.facts!();
      const [data, weights] = [2 * 4 * 16 * 24, 2 * 4 * 24 * 12];
      if (arm.name.startsWith('placeholders')) assert.equal([bytesH2d, bytesD2h], [data + weights, weights + 4]);
      if (arm.name.startsWith('group')) assert.equal([bytesH2d, bytesD2h], [data, 4]);
      if (arm.name.startsWith('arrays')) assert.equal([bytesH2d, bytesD2h], [0, 0]);
      losses.add(extra!.final_loss.toPrecision(4));
      await work.close!();
    }
  // All end alike but those that start from other weights, or step in batches.
  assert.is(losses.size, 3);
});

test('a form that strays from the float64 losses is told with its step', async () => {
  const [arrays] = ladder;
  const strays: LadderRung = {
    ...arrays,
    async *train(start, device) {
      let step = 0;
      for await (const loss of arrays.train(start, device)) yield step++ === 3 ? loss * (1 + 2e-5) : loss;
    },
  };
  const work = await workOf(strays, startOf(16, 24, 12, 1), 'cpu', 1);
  assert.match(String(await work.verify!()), /the loss of step 3 is .*, expected .* within 0.00001 of it/);
  await work.close!();
});

test('sizes that are none are refused with what they must be', () => {
  const refused = (shapes: string, pattern: RegExp) =>
    assert.throws(
      () => suite.cases(request({ shapes })),
      (error: Error) => error instanceof UsageError && pattern.test(error.message),
    );
  refused('64x1000', /'64x1000' is not NxDxH/);
  refused('64x0x5', /'64x0x5' is not NxDxH, whole numbers from 1 to 1048576/);
  refused('64x1.5x5', /is not NxDxH/);
  refused('4x10x10', /N of '4x10x10' is 4, expected at least 8/);
});

test.run();

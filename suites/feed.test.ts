import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { devicesForTests, leavesNothing } from '../framework/each-device.ts';
import { firstLosses } from '../framework/exact/net.ts';
import { parametersOf, shapesOf, type Training, trainingData } from '../framework/exact/training.ts';
import { sizeOf } from '../framework/shape.ts';
import type { Summary } from '../harness/record.ts';
import { type Request, UsageError } from '../harness/suite.ts';
import { listed, moved, mustMove, replayOf } from './feed/crossings.ts';
import { FORMS, type Form, inDepth, stepsIn } from './feed/forms.ts';
import { NETS } from './feed/nets.ts';
import { workOf } from './feed/work.ts';
import suite from './feed.ts';

const request = (more: Partial<Request> = {}): Request => ({
  devices: ['cpu', 'webgpu'],
  quick: false,
  seed: 1,
  threads: [1, 2],
  options: {},
  ...more,
});

test('both nets are swept on each device, every form in the order of the lecture', () => {
  const cases = suite.cases(request());
  assert.is(cases.length, 2 * 2 * 7);
  assert.equal(
    cases[2].arms!.map(({ name }) => name),
    ['placeholders', 'variables', 'assign', 'group', 'resident'].map((form) => `${form}@cpu/2`),
  );
  assert.equal([cases[2].name, cases[2].extra], ['feed/two-layer/200k/cpu', { parameters: 200_000 }]);
  for (const { extra, name } of cases) {
    const [, , text] = name.split('/');
    const wanted = Number.parseFloat(text) * (text.endsWith('M') ? 1e6 : 1e3);
    assert.ok(Math.abs(Number(extra!.parameters) - wanted) < 0.05 * wanted, `${name} has ${extra!.parameters} parameters`);
  }
});

test('numbers of parameters are chosen, what is none is refused, and a software adapter is spared what nobody asked for', () => {
  const chosen = suite.cases(request({ options: { parameters: '1.5M, 10k', net: 'four-layer', batch: '8' }, devices: ['cpu'] }));
  assert.equal(
    chosen.map(({ name }) => name),
    ['feed/four-layer/1.5M/cpu', 'feed/four-layer/10k/cpu'],
  );
  for (const parameters of ['10', '1G', 'many', '200M'])
    assert.throws(
      () => suite.cases(request({ options: { parameters } })),
      (error: Error) => error instanceof UsageError && error.message.includes(`--parameters: '${parameters}'`),
    );
  const software = { features: new Set<string>(), limits: { softwareAdapter: 1, maxStorageBufferBindingSize: 2 ** 27 } };
  const refusals = (more: Partial<Request>) =>
    suite.cases(request({ devices: ['webgpu'], ...more })).map(({ arms }) => arms![0].refuses!(software));
  assert.match(refusals({}).at(-1)!, /a step would take about \d+ s on a software adapter; ask for it by --parameters/);
  assert.equal(refusals({ options: { parameters: '50M' } }), [undefined, undefined]);
  assert.match(
    refusals({ options: { parameters: '100M' } })[0]!,
    /^a tensor of 199\d+ bytes is more than the 134217728 that the adapter binds \(maxStorageBufferBindingSize\)$/,
  );
});

/** Small nets whose sizes divide nothing. */
const nets: Record<string, Training> = { 'two-layer': NETS['two-layer'](13, 1000), 'four-layer': NETS['four-layer'](13, 500) };

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  for (const [net, training] of Object.entries(nets))
    for (const form of FORMS)
      test(`${form} of the ${net} net on ${device.kind}: the float64 losses, and each step moves what the shapes say`, () =>
        leavesNothing(device, async () => {
          const data = trainingData(training, 1);
          const steps = stepsIn(form, training, data, device);
          const next = () => steps.next();
          for (const expected of firstLosses(training, data, 4)) {
            const { value } = await next();
            assert.ok(Math.abs(value - expected) < 1e-5 * expected, `${value}, expected ${expected}`);
          }
          const shapes = shapesOf(training);
          const dataBytes = form === 'resident' ? 0 : 4 * (sizeOf(shapes.x) + sizeOf(shapes.y));
          const layers = parametersOf(training).length;
          const weightBytes = 4 * parametersOf(training).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
          // What is fed and fetched, by the words of the lecture.
          const expected = {
            placeholders: [dataBytes + weightBytes, weightBytes + 4, 2 + layers, 1 + layers],
            variables: [dataBytes + weightBytes, weightBytes + 4, 2 + layers, 1 + layers],
            assign: [dataBytes, weightBytes + 4, 2, 1 + layers],
            group: [dataBytes, 4, 2, 1],
            resident: [0, 4, 0, 1],
          }[form];
          assert.equal(Object.values(mustMove(form, training)), expected);
          assert.equal(await moved(device, next), mustMove(form, training));
          const crossings = await listed(device, next);
          assert.is(crossings.length, expected[2] + expected[3]);
          const replay = await replayOf(device, crossings);
          assert.ok((await replay.once()) > 0);
          assert.equal(await moved(device, replay.once), mustMove(form, training), 'a replay moves what the step does');
          replay.close();
          assert.equal(await moved(device, next), mustMove(form, training), 'and leaves the device as it was');
          await steps.return(undefined);
        }));

  test(`in depth, each form does on ${device.kind} what the lecture's own file does`, async () => {
    const training = nets['two-layer'];
    const data = trainingData(training, 2);
    for (const form of FORMS.filter((one) => one !== 'resident')) {
      const [ours, theirs] = [inDepth(form, training, data, device), stepsIn(form, training, data, device)];
      for (let step = 0; step < 3; step++) {
        const [a, b] = [(await ours.next()).value, (await theirs.next()).value];
        assert.ok(Math.abs(a - b) <= 1e-6 * b, `${form}, step ${step}: ${a} and ${b}`);
      }
      assert.equal(await moved(device, () => ours.next()), await moved(device, () => theirs.next()), form);
      await Promise.all([ours.return(undefined), theirs.return(undefined)]);
    }
  });
}

test('an arm is checked and says what a step moves, and how long that takes by itself', async () => {
  const work = await workOf('variables', nets['four-layer'], 1, 'cpu', 1);
  await work.run();
  assert.is(await work.verify!(), undefined);
  const { bytesH2d, bytesD2h, extra } = await work.facts!();
  const { toDevice, toHost } = mustMove('variables', nets['four-layer']);
  assert.equal([bytesH2d, bytesD2h, extra!.crossings], [toDevice, toHost, 11]);
  assert.ok(extra!.copy_ms > 0 && extra!.copy_pct > 0);
  await work.close!();
});

/** Rows of one net and device: milliseconds by form. */
const rowsOf = (parameters: number, times: Partial<Record<Form, number>>, more: Partial<Summary> = {}): Summary[] =>
  Object.entries(times).map(([form, ms]) => ({
    run_id: 'made-up',
    time_utc: '2026-01-02T03:04:05.000Z',
    suite: 'feed',
    case: `feed/two-layer/${parameters}/webgpu`,
    device: 'webgpu',
    arm: `${form}@webgpu`,
    dtype: 'f32',
    status: 'ok',
    median_ns: ms * 1e6,
    ci_low_ns: ms * 0.95e6,
    ci_high_ns: ms * 1.05e6,
    bytes_h2d: form === 'placeholders' ? 8 * parameters : 1e5,
    bytes_d2h: form === 'placeholders' ? 4 * parameters : 4,
    extra: { parameters, crossings: 7, copy_ms: ms / 4 },
    ...more,
  }));

test('the verdict says from which size on feeding hurts, how much is copying, and how the group stands', () => {
  const request1 = request();
  const rows = [
    ...rowsOf(10_000, { placeholders: 1, variables: 1.1, assign: 1, group: 0.95, resident: 0.9 }),
    ...rowsOf(200_000, { placeholders: 2, group: 1.5, assign: 1.6 }),
    ...rowsOf(1_000_000, { placeholders: 10, group: 4, assign: 3.9, resident: 3 }),
    ...rowsOf(5_000_000, { placeholders: 0 }, { median_ns: undefined, status: 'skipped' }),
  ];
  const said = suite.verdict!(rows, request1);
  const has = (sentence: string) =>
    assert.ok(said.includes(`two-layer net on webgpu: ${sentence}`), `${sentence}\n is not among\n${said.join('\n')}`);
  has(
    'feeding the weights as placeholders costs more than 20 % of the step from between 10 thousand and 200 thousand parameters on (5 % at 10 thousand, 25 % at 200 thousand, 60 % at 1 million)',
  );
  has(
    "with placeholders 12 MB cross in 7 crossings a step at 1 million parameters, 1.2 GB/s over the step; copies by themselves take 2.5 ms, 25 % of its 10 ms, which is 6 ms more than the group's",
  );
  has('the group node is not slower than any other form that feeds its data, beyond the interval, at 3 of 3 sizes');
  has('data that stay on the device save at most another 25 % of the step (100 kB less to feed at 1 million parameters)');

  const slow = suite.verdict!(rowsOf(10_000, { placeholders: 1, group: 2, assign: 1.95 }), request1);
  assert.ok(slow.includes('two-layer net on webgpu: the group node is slower than placeholders at 10 thousand (2 ms against 1 ms)'));
  assert.match(slow[0], /costs at most 0 % of the step, at 10 thousand parameters$/);
  const always = suite.verdict!([...rowsOf(1e4, { placeholders: 2, group: 1 }), ...rowsOf(1e5, { placeholders: 4, group: 1 })], request1);
  assert.match(
    always[0],
    /costs more than 20 % of the step at every size measured \(50 % at 10 thousand, 75 % at 100 thousand parameters\)/,
  );
  const once = suite.verdict!([...rowsOf(1e4, { placeholders: 2, group: 1 }), ...rowsOf(1e5, { placeholders: 4, group: 3.9 })], request1);
  assert.match(once[0], /at some sizes only \(50 % at 10 thousand\), not at the largest \(2.5 % at 100 thousand parameters\)/);
  for (const mad_ns of [0, 1e3]) {
    const single = rowsOf(10_000, { placeholders: 1, group: 2 }, { ci_low_ns: undefined, ci_high_ns: undefined, mad_ns });
    const [line] = suite.verdict!(single, request1).filter((each) => each.includes('the group node'));
    assert.match(
      line,
      /: one process of each form does not tell whether the group node is slower than another: ask for --forks 2 or more$/,
    );
  }
  assert.equal(suite.verdict!([], request1), []);
});

test.run();

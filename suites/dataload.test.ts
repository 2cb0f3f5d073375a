// What the suite says is checked in virtual time: rows whose figures the queueing model gave. No clock decides.

import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Summary } from '../harness/record.ts';
import type { Request } from '../harness/suite.ts';
import { openDevice } from '../kernels/open.ts';
import { coldRefusal, openData } from './dataload/data.ts';
import { coldBatches, Feed, isStarved, warmUp } from './dataload/feed.ts';
import { measuredIn, tried, workIn } from './dataload/measured.ts';
import { forecast, type Setting, type StepWork } from './dataload/queue.ts';
import { trainingStep } from './dataload/step.ts';
import { WAYS, type Way, workOf } from './dataload/work.ts';
import suite from './dataload.ts';

const request = (options: Request['options'] = {}): Request => ({ devices: ['cpu'], quick: false, seed: 1, threads: [1], options });

/** Rows of a run, by the model instead of a machine. */
function rowsOf(work: StepWork, settings: readonly Pick<Setting, 'workers' | 'prefetch'>[]): Summary[] {
  return settings.flatMap(({ workers, prefetch }) => {
    const setting = { workers, prefetch, cores: 2, threads: 1 };
    const of = (way: Way) => {
      if (way === 'resident') return { step: work.compute, wait: 0, copy: 0, compute: work.compute, ready: 0 };
      if (way === 'host') return { step: work.compute + work.copy, wait: 0, copy: work.copy, compute: work.compute, ready: 0 };
      const changed = { ...work, ...(way === 'cached' && { fetch: 0 }), ...(way === 'half' && { compute: work.compute / 2 }) };
      return forecast(changed, setting);
    };
    return WAYS.map((way): Summary => {
      const { step, wait, copy, compute, ready } = of(way);
      return {
        run_id: 'run',
        time_utc: '2026-11-25T00:00:00Z',
        suite: 'dataload',
        case: `dataload/delays/w${workers}p${prefetch}/cpu`,
        device: 'cpu',
        arm: `${way}@cpu/1`,
        dtype: 'f32',
        status: 'ok',
        median_ns: step * 1e6,
        extra: { workers, prefetch, cores: 2, busy_threads: 1, wait_ms: wait, copy_ms: copy, compute_ms: compute, ready_batches: ready },
      };
    });
  });
}

test('data that are missing or no images are refused before anything is measured, and what a step holds is known', async () => {
  const traits = { features: new Set<string>(), limits: {} };
  const held = async (options: Request['options']) => suite.cases(request(options)).at(-1)!.arms![0].bytes!(traits);
  const refusal = (data: string) =>
    held({ data }).then(
      () => 'taken',
      (error: Error) => `${error.name}: ${error.message}`,
    );
  assert.match(await refusal('nowhere/at/all'), /^UsageError: nowhere\/at\/all: there is no such data set, file or folder/);
  assert.match(
    await refusal(fileURLToPath(new URL('../framework/data/fixtures/flowers.csv', import.meta.url))),
    /^UsageError: .*flowers\.csv: /,
  );
  // Four batches ahead, the one that is read, one that stays and the device's: pictures [3, 10, 10] with a label, 4 bytes a number.
  assert.is(await held({ image: '10', batch: '2', prefetch: '4' }), 7 * 2 * 4 * 301);
});

const SETTINGS = [
  { workers: 0, prefetch: 0 },
  { workers: 1, prefetch: 4 },
  { workers: 2, prefetch: 4 },
];

test('rows become parts of a step, a bottleneck, predictions that were tried, and one line of advice', () => {
  const lines = suite.verdict!(rowsOf({ fetch: 4, decode: 20, copy: 1, compute: 9 }, SETTINGS), request());
  assert.is(lines.length, SETTINGS.length + 3);
  assert.match(
    lines[0],
    /^cpu\/1, no workers: a step takes 34\.0 ms: compute 9\.00 ms, copy 1\.00 ms, decode 20\.0 ms, fetch 4\.00 ms; highly input-bound: 74 %/,
  );
  assert.match(
    lines[1],
    /1 worker, 4 ahead: a step takes 24\.0 ms: .*decode 10\.0 ms, fetch 4\.00 ms.*0\.0 batches ready.*sum to 100\.0 %/,
  );
  assert.match(lines.at(-2)!, /predictions were tried: half of them are off by \S+ % or less/);
  assert.match(lines.at(-1)!, /advice: use 2 workers, 4 ahead: \S+ ms a step, \d+ % less than without workers/);
});

test('a net that holds the step is told from data that does', () => {
  const last = (work: StepWork) => suite.verdict!(rowsOf(work, SETTINGS), request()).at(-1)!;
  assert.match(last({ fetch: 0.1, decode: 0.3, copy: 0.1, compute: 30 }), /load without workers.*the net is what holds it/);
  assert.match(last({ fetch: 30, decode: 2, copy: 0.5, compute: 3 }), /4 workers, 4 ahead are predicted|reading is what holds it/);
  assert.match(last({ fetch: 0.2, decode: 1, copy: 20, compute: 3 }), /copying is what holds it/);
});

test('predictions by the model are right about the model', () => {
  const settings = measuredIn(rowsOf({ fetch: 3, decode: 12, copy: 1, compute: 10 }, SETTINGS));
  const all = tried(settings, workIn(settings)!);
  const checked = all.filter(({ found }) => found !== undefined);
  // Three of the net, two of the cache, one of twice the workers.
  assert.is(checked.length, 6);
  for (const { predicted, found } of checked) assert.ok(Math.abs(predicted / found! - 1) < 1e-6, `${predicted} ${found}`);
});

test('rows that are missing leave out what they would say', () => {
  const rows = rowsOf({ fetch: 4, decode: 20, copy: 1, compute: 9 }, SETTINGS);
  assert.equal(suite.verdict!([], request()), []);
  const withoutCold = suite.verdict!(
    rows.filter(({ arm }) => !/cold|half/.test(arm)),
    request(),
  );
  assert.match(withoutCold[0], /fetch 0\.00 ms/);
  const withoutSequential = suite.verdict!(
    rows.filter((row) => row.extra!.workers !== 0),
    request(),
  );
  assert.is(withoutSequential.length, 2, 'where the work of the parts is not known, nothing is predicted');
});

test('cases: no workers always, every prefetch with each number of workers, five ways each', () => {
  const cases = suite.cases(request({ data: 'delays', workers: '1,2', prefetch: '0,4' }));
  assert.equal(
    cases.map(({ name }) => name),
    ['w0', 'w1p0', 'w1p4', 'w2p0', 'w2p4'].map((setting) => `dataload/delays/${setting}/cpu`),
  );
  assert.equal(
    cases[0].arms!.map(({ name }) => name),
    WAYS.map((way) => `${way}@cpu`),
  );
  assert.is(suite.cases(request({ data: 'mnist' }))[0].name, 'dataload/mnist/small-cnn/b16/w0/cpu/1');
});

test('options that make no sense are refused by name', () => {
  const refused = (options: Request['options'], message: RegExp) => assert.throws(() => suite.cases(request(options)), message);
  refused({ workers: '1,x' }, /--workers: 'x' is no whole number from 0 to 64/);
  refused({ prefetch: '-1' }, /--prefetch: '-1'/);
  refused({ model: 'resnet19' }, /--model: 'resnet19' is none of small-cnn, resnet18/);
  refused({ data: 'delays', delays: 'decode=long' }, /--delays: 'decode=long'/);
  refused({ batch: '0' }, /--batch/);
});

test('what cannot be read cold says why', () => {
  const data = { data: 'mnist', batch: 16, image: 28, delays: { fetch: 0, decode: 0, copy: 0, compute: 0 } };
  assert.match(coldRefusal(data, 8)!, /nothing to read cold/);
  assert.is(coldRefusal({ ...data, data: 'delays' }, 8), undefined);
  assert.is(warmUp({ workers: 0, prefetch: 4 }), 1);
  assert.is(coldBatches({ workers: 2, prefetch: 4 }, 4), 7 + 4 + 4);
});

test('workers that take longer for a batch than a step takes leave the queue empty in the long run', () => {
  const pace = (makeNs: number, stepNs: number) => ({ batches: 4, makeNs: 4 * makeNs, steps: 3, stepNs: 3 * stepNs });
  const one = { workers: 1, prefetch: 4 };
  assert.is(isStarved(one, pace(27, 20), false), true);
  assert.is(isStarved({ ...one, workers: 2 }, pace(27, 20), false), false);
  assert.is(isStarved(one, pace(19, 20), false), false);
  // Once it is so the step waits, and takes as long as a batch, more or less: it is so until batches take clearly less.
  assert.is(isStarved(one, pace(27, 28), true), true);
  assert.is(isStarved(one, pace(27, 28), false), false);
  assert.is(isStarved(one, pace(17, 20), true), false);
  // Without a queue nothing was made beforehand.
  for (const setting of [
    { workers: 0, prefetch: 4 },
    { workers: 1, prefetch: 0 },
  ])
    assert.is(isStarved(setting, pace(27, 20), false), false);
});

test('draining takes what is ready, up to a batch that is waited for', async () => {
  const delays = { fetch: 5, decode: 0, copy: 0, compute: 0 };
  const data = await openData({ data: 'delays', batch: 2, image: 4, delays, workers: 1 }, true);
  const feed = new Feed(data, { batch: 2, workers: 1, prefetch: 3, isCold: false });
  await feed.next();
  await feed.rest();
  feed.forget();
  const taken = await feed.drain();
  assert.ok(taken >= 1 && taken <= feed.warmUp, `${taken}`);
  const { batches, occupancy } = feed.report();
  assert.is(batches, taken);
  assert.ok(taken === feed.warmUp || occupancy[0] === 1, `${occupancy}`);
  // The last one is not lost.
  const [kept, following] = [await feed.next(), await feed.next()];
  assert.is(following.number, kept.number + 1);
  assert.is(kept.number, taken);
  await feed.close();
});

test('every way runs, gives batches that are the samples, and tells what it did', async () => {
  const delays = { fetch: 0.2, decode: 0.2, copy: 0.1, compute: 0.2 };
  const options = {
    data: 'delays',
    delays,
    model: 'small-cnn',
    batch: 2,
    image: 4,
    seed: 1,
    device: 'cpu',
    prefetch: 2,
    isCold: false,
  } as const;
  for (const way of WAYS) {
    const work = await workOf(way, { ...options, workers: way === 'cached' ? 2 : 0 });
    await work.run();
    assert.is(await work.verify!(), undefined);
    await work.steady!(2);
    await work.run();
    await work.run();
    const figures = Object.fromEntries((await work.figures!()).map(({ metric, value }) => [metric, value]));
    assert.ok(
      Object.values(figures).every((value) => value >= 0),
      way,
    );
    assert.is('wait' in figures, way !== 'resident' && way !== 'host');
    await work.close!();
  }
});

test('the training step: the same losses on both devices, smaller by each step on the batch that lies there', async () => {
  const fields = { image: { dtype: 'f32', shape: [3, 20, 28] }, label: { dtype: 'i32', shape: [] } } as const;
  const image = Float32Array.from({ length: 3 * 3 * 20 * 28 }, (_, i) => Math.sin(i * 0.7));
  const losses: number[][] = [];
  for (const kind of ['cpu', 'webgpu'] as const) {
    const device = await openDevice(kind, { threads: 1 });
    const step = await trainingStep(fields, { model: 'small-cnn', batch: 3, classes: 5, seed: 2 }, device);
    step.put({ image, label: Int32Array.of(0, 3, 4) });
    const own: number[] = [];
    for (let i = 0; i < 3; i++) own.push(await step.run());
    losses.push(own);
    await step.close();
    await device.close();
  }
  const [cpu, webgpu] = losses;
  for (const [i, loss] of cpu.entries()) {
    assert.ok(Math.abs(loss - webgpu[i]) <= 1e-4 * loss, `step ${i}: ${loss} and ${webgpu[i]}`);
    if (i > 0) assert.ok(loss < cpu[i - 1]);
  }
});

test.run();

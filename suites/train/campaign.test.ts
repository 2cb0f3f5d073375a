// Trainings to the end, on synthetic digits in MNIST's place: what is listed, what is learnt, and that a seed decides every bit of a curve.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ArrayDataset, DataLoader } from '../../framework/data/index.ts';
import type { Summary } from '../../harness/record.ts';
import { type Request, UsageError } from '../../harness/suite.ts';
import suite from '../train.ts';
import { digitsOnDisk } from './digits-on-disk.ts';
import { Shifted } from './images.ts';
import type { Style } from './learner.ts';
import { MODELS, type Recipe, rateOf } from './recipes.ts';
import { trainedWork } from './trained-work.ts';
import { verdict } from './verdict.ts';

const digits = digitsOnDisk({ train: 320, t10k: 90 });
test.after(() => digits.remove());

const request = (more: Partial<Request> = {}, options: Request['options'] = {}): Request => ({
  devices: ['cpu'],
  quick: false,
  seed: 7,
  threads: [1, 2],
  ...more,
  options: { model: 'two-layer', ...options },
});

test('a case for each model and seed, trained once; a quick one on few images', () => {
  const cases = suite.cases(request({ devices: ['cpu', 'webgpu'] }, { model: 'mnist-cnn,two-layer', seeds: '3,1' }));
  assert.equal(
    cases.map(({ name }) => name),
    ['mnist-cnn', 'two-layer'].flatMap((model) => [3, 1].map((seed) => `train/${model}/seed-${seed}`)),
  );
  assert.equal(
    cases[0].arms!.map(({ name }) => name),
    ['ours:static@cpu/2', 'ours:static@webgpu'],
  );
  for (const { once } of cases) assert.ok(once && once.seconds > 0 && once.timeout >= 600);
  const software = { features: new Set<string>(), limits: { softwareAdapter: 1 } };
  assert.match(cases[0].arms![1].refuses!(software)!, /--quick/);
  const [quick] = suite.cases(request({ quick: true, devices: ['webgpu'] }, { style: 'eager' }));
  assert.equal([quick.name, quick.arms![0].name], ['train/two-layer/1000-images/seed-7', 'ours:eager@webgpu']);
  assert.is(quick.arms![0].refuses, undefined);
});

test('options that cannot be are refused, and so is a folder without the data', async () => {
  const refused = (options: Request['options'], message: RegExp, more: Partial<Request> = {}) =>
    assert.throws(
      () => suite.cases({ ...request(more), options }),
      (error: Error) => error instanceof UsageError && message.test(error.message),
    );
  refused({ model: 'lenet' }, /--model: 'lenet' is none of mnist-cnn, two-layer/);
  refused({ model: 'two-layer', seeds: '1,x' }, /--seeds: 'x' is no seed/);
  refused({ model: 'two-layer', until: '99' }, /--until is '99', expected a share/);
  refused({ model: 'two-layer', epochs: '0' }, /--epochs is '0'/);
  refused({ model: 'two-layer', net: 'two-layer' }, /--net times single steps/);
  refused({ model: 'two-layer' }, /--shapes/, { shapes: '1x2x3' });
  refused({ epochs: '2' }, /--epochs is for trainings: add --model/);
  const [{ arms }] = suite.cases(request());
  const held = arms![0].bytes!({ features: new Set(), limits: {} });
  assert.ok((await held) > 1e6);
  process.env.TILEBENCH_DATA = join(digits.folder, 'nowhere');
  try {
    await arms![0].bytes!({ features: new Set(), limits: {} });
    assert.unreachable();
  } catch (error) {
    assert.ok(error instanceof UsageError);
    assert.match((error as Error).message, /bench data get mnist/);
  } finally {
    process.env.TILEBENCH_DATA = digits.folder;
  }
});

const RECIPE: Recipe = { epochs: 8, batch: 32, rate: 0.01, shift: 1, target: 0.8 };
/** Trains on one device and gives what came of it; the trained net is checked. */
async function trained(style: Style, more: { readonly recipe?: Partial<Recipe>; readonly until?: number; readonly curves?: boolean } = {}) {
  const model = MODELS['two-layer'];
  const curves = more.curves ? { folder: digits.folder, run: style } : undefined;
  const recipe = { ...RECIPE, ...more.recipe };
  const work = await trainedWork({ model, recipe, seed: 5, until: more.until, style, kind: 'cpu', device: { threads: 2 }, curves });
  await work.run();
  assert.is(await work.verify!(), undefined);
  const facts = await work.facts!();
  await work.close!();
  return { ...work.outcome()!, facts };
}

test('the same seed gives every bit of the curve again; both styles learn, and follow one another', async () => {
  const [one, again, eager] = [await trained('static'), await trained('static'), await trained('eager')];
  assert.is(one.losses.length, 80);
  assert.equal([...again.losses], [...one.losses]);
  assert.equal([again.accuracies, again.testLosses], [one.accuracies, one.testLosses]);
  for (const [step, loss] of eager.losses.entries()) assert.ok(Math.abs(loss - one.losses[step]) < 1e-3 * one.losses[step], `step ${step}`);
  assert.ok(one.accuracies.at(-1)! > 0.8, `accuracies ${one.accuracies}`);
  const { extra } = one.facts;
  assert.equal([extra!.accuracy, extra!.epochs, extra!.test_images], [one.accuracies.at(-1), 8, 90]);
  assert.ok(extra!.to_target_s > 0 && extra!.rest_s >= 0);
});

test('curves are in the folder, an epoch or a step a point; --until ends early', async () => {
  const { accuracies, losses } = await trained('static', { curves: true, until: 0.3 });
  assert.ok(accuracies.length < 8 && accuracies.at(-1)! >= 0.3);
  const lines = readFileSync(join(digits.folder, 'static', 'scalars.csv'), 'utf8')
    .trim()
    .split('\r\n');
  const points = (tag: string) => lines.filter((line) => line.split(',')[1] === tag).map((line) => Number(line.split(',').at(-1)));
  assert.equal(points('train/loss'), [...losses]);
  assert.equal(points('test/accuracy'), accuracies);
  assert.is(points('train/rate')[3], rateOf(RECIPE, 80)(3));
});

test('a training that goes astray ends with what it came to', async () => {
  try {
    await trained('static', { recipe: { rate: 1e30 } });
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /the loss of step \d+ is (NaN|Infinity): the training went astray/);
  }
});

test('images are moved by whole pixels, by seed, epoch and number alone', async () => {
  const image = new Uint8Array(2 * 784);
  image[14 * 28 + 14] = image[784] = 9;
  const whole = new ArrayDataset({
    image: { values: image, shape: [2, 1, 28, 28], dtype: 'u8' },
    label: { values: Int32Array.of(3, 4), shape: [2], dtype: 'i32' },
  });
  const places = new Set<number>();
  const shifted = new Shifted(whole, 2, 11);
  for (let epoch = 0; epoch < 200; epoch++) {
    await using loader = new DataLoader(shifted, { batchSize: 2 });
    for await (const batch of loader.read(epoch)) {
      const { image: moved, label } = batch.arrays;
      assert.equal([...label.values], [3, 4]);
      const at = moved.values.indexOf(9);
      const [y, x] = [Math.floor(at / 28), at % 28];
      assert.ok(Math.abs(y - 14) <= 2 && Math.abs(x - 14) <= 2, `(${y}, ${x})`);
      places.add(at);
      // A corner stays, or goes out of sight: nothing comes in at the other side.
      const corner = moved.values.subarray(784).indexOf(9);
      assert.ok(corner < 0 || (corner % 28 <= 2 && corner < 3 * 28), `corner at ${corner}`);
    }
  }
  assert.is(places.size, 25);
  shifted.epoch = 8;
  const once = shifted.get(0);
  assert.equal(shifted.get(0), once);
});

test('the verdict counts seeds and shares out the time', () => {
  const row = (seed: number, accuracy: number): Summary =>
    ({
      case: `train/mnist-cnn/seed-${seed}`,
      arm: 'ours:static@cpu/2',
      median_ns: 70e9,
      extra: { accuracy, test_images: 10_000, images_per_s: 5200, load_s: 2, copy_s: 1, step_s: 60, evaluate_s: 5, log_s: 1 },
    }) as unknown as Summary;
  assert.equal(verdict([row(1, 0.9921), row(2, 0.9893)]), [
    'mnist-cnn by ours:static@cpu/2: 99.00 % was reached in 1 of 2 seeds (98.93 % to 99.21 % of 10 thousand test images right at the end, in 70 s)',
    'mnist-cnn by ours:static@cpu/2: its time is step 86 %, evaluate 7.14 %, load 2.86 %, copy 1.43 %, log 1.43 %; 5.2 thousand images a second while it trains',
  ]);
  assert.equal(verdict([{ ...row(1, 1), extra: {} }]), []);
});

test.run();

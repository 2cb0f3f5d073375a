import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rejection } from '../refuses.ts';
import { openDataset } from './catalog.ts';
import { fixturePath } from './fixture.ts';

const home = mkdtempSync(join(tmpdir(), 'tilebench-catalog-'));
test.after(() => rmSync(home, { recursive: true }));
const kept = process.env.TILEBENCH_DATA;
test.before(() => {
  process.env.TILEBENCH_DATA = join(home, 'data');
});
test.after(() => {
  if (kept === undefined) delete process.env.TILEBENCH_DATA;
  else process.env.TILEBENCH_DATA = kept;
});

/** The pair of IDX files of a part, with two images of 2x3. */
function mnist(folder: string, part: string, first: number, pack = (bytes: Uint8Array) => bytes, suffix = ''): void {
  mkdirSync(folder, { recursive: true });
  const images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, ...Array.from({ length: 12 }, (_, i) => first + i)];
  writeFileSync(join(folder, `${part}-images-idx3-ubyte${suffix}`), pack(Uint8Array.from(images)));
  writeFileSync(join(folder, `${part}-labels-idx1-ubyte${suffix}`), pack(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 9)));
}

const firstPixel = async (...args: Parameters<typeof openDataset>) => ((await (await openDataset(...args)).get(0)).image as Uint8Array)[0];

test('a named set is found in the folder given, in its subfolder, and in the data folder, in this order; gzipped first', async () => {
  assert.match(await rejection(openDataset('mnist')), /^DataError: mnist: no train-images-idx3-ubyte.gz in .*bench data get mnist/);
  mnist(join(home, 'data', 'mnist'), 'train', 10);
  assert.is(await firstPixel('mnist'), 10);
  mnist(join(home, 'given', 'mnist'), 'train', 20);
  assert.is(await firstPixel('mnist', { dir: join(home, 'given') }), 20);
  mnist(join(home, 'given'), 'train', 30);
  assert.is(await firstPixel('mnist', { dir: join(home, 'given') }), 30);
  mnist(join(home, 'given'), 'train', 40, gzipSync, '.gz');
  assert.is(await firstPixel('mnist', { dir: join(home, 'given') }), 40);
  assert.is(await firstPixel(join(home, 'given')), 40, 'the folder itself as the name');
});

test('the test part has its own files', async () => {
  mnist(join(home, 'data', 'mnist'), 't10k', 50);
  assert.is(await firstPixel('mnist', { split: 'test' }), 50);
});

test('normalized images are f32 with the mean and deviation of the set', async () => {
  const set = await openDataset('mnist', { normalize: true });
  assert.equal(set.fields.image, { dtype: 'f32', shape: [1, 2, 3] });
  const { image, label } = await set.get(1);
  assert.is(label, 9);
  assert.is((image as Float32Array)[0], Math.fround((16 / 255 - 0.1307) / 0.3081));
});

test('CIFAR-10 is read out of the archive as it is published, without unpacking it to disk', async () => {
  const dir = fixturePath('');
  const [train, rest] = [await openDataset('cifar10', { dir }), await openDataset('cifar10', { dir, split: 'test' })];
  assert.equal([train.length, rest.length, train.fields.image.shape], [5, 1, [3, 32, 32]]);
  assert.equal(await train.get(3), { image: new Uint8Array(3072).fill(30), label: 3 });
  assert.equal(await rest.get(0), { image: new Uint8Array(3072).fill(50), label: 5 });
  assert.match(train.nameOf!(3), /cifar-10-binary\.tar\.gz\/cifar-10-batches-bin\/data_batch_4\.bin, image 0$/);
});

test('a name that is nothing says what names there are', async () => {
  const message = await rejection(openDataset('imagenet'));
  assert.match(message, /^DataError: imagenet: there is no such data set.*mnist, fashion-mnist, cifar10, synthetic/);
});

test.run();

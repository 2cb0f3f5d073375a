// Datasets in memory, parts of them, streams; collating.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { close, open, tensor } from '../index.ts';
import { refuses, rejection } from '../refuses.ts';
import { ArrayDataset, tensorDataset } from './array-dataset.ts';
import { collate } from './collate.ts';
import type { Fields, Values } from './dataset.ts';
import { Numbers } from './fixtures/numbers.ts';
import { DataLoader } from './loader.ts';
import { openRecipe } from './recipe.ts';
import { stream } from './stream.ts';
import { subset } from './subset.ts';

const arrays = () =>
  ({
    x: { dtype: 'f32', shape: [4, 2], values: Float32Array.of(0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5) },
    y: { dtype: 'u8', shape: [4], values: Uint8Array.of(9, 8, 7, 6) },
  }) as const;

test('arrays give rows, and a worker the same ones', async () => {
  const data = new ArrayDataset(arrays());
  assert.equal(data.fields, { x: { dtype: 'f32', shape: [2] }, y: { dtype: 'u8', shape: [] } });
  assert.equal(data.get(2), { x: Float32Array.of(2, 2.5), y: 7 });
  const again = await openRecipe(structuredClone(data.recipe));
  assert.equal([again.length, again.get(3)], [4, { x: Float32Array.of(3, 3.5), y: 6 }]);
  const large = new ArrayDataset({ z: { dtype: 'i32', shape: [2, 3000], values: Int32Array.from({ length: 6000 }, (_, i) => i) } });
  for await (const { arrays } of new DataLoader(large)) assert.is(arrays.z.values[5999], 5999);
});

test('arrays that do not fit are refused', () => {
  const { x, y } = arrays();
  refuses(() => new ArrayDataset({}), 'no arrays');
  refuses(() => new ArrayDataset({ x, y: { ...y, shape: [3] } }), 'y has the shape [3], expected 4 rows like x');
  refuses(() => new ArrayDataset({ x: { ...x, shape: [4, 3] } }), 'x is a Float32Array of 8, expected a Float32Array of 12 for f32[4,3]');
  refuses(() => new ArrayDataset({ x: { ...x, dtype: 'i32' } }), 'expected a Int32Array of 8 for i32[4,2]');
});

test('tensors become a dataset, and batches become tensors', async () => {
  const device = await open('cpu', { threads: 1 });
  const data = await tensorDataset({
    x: tensor(
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      { device },
    ),
  });
  for await (const batch of new DataLoader(data, { batchSize: 2 })) {
    const { x } = batch.tensors(device);
    assert.equal(
      [x.shape, [...(await x.read())]],
      batch.number === 0
        ? [
            [2, 2],
            [1, 2, 3, 4],
          ]
        : [
            [1, 2],
            [5, 6],
          ],
    );
  }
  await close('cpu');
});

test('a subset names what it is a part of, and passes the epoch on', () => {
  const whole = new Numbers({ length: 5 });
  const part = subset(whole, [4, 1]);
  part.epoch = 3;
  assert.is(whole.epoch, 3);
  assert.is(part.nameOf(0), 'folder/4.jpg');
  refuses(() => subset(whole, [1, 5]), 'index 5, expected whole numbers from 0 to 4');
  refuses(() => subset(whole, [0.5]), 'index 0.5');
  assert.is(subset({ length: 1, fields: {}, get: () => ({}) }, [0]).recipe, undefined);
});

test('samples are stacked; what does not fit is named', () => {
  const fields: Fields = { x: { dtype: 'f32', shape: [2] }, y: { dtype: 'i32', shape: [] } };
  const samples = [
    { x: Float32Array.of(1, 2), y: 3 },
    { x: Float32Array.of(4, 5), y: Int32Array.of(6) },
  ];
  assert.equal(collate(samples, fields), {
    x: { dtype: 'f32', shape: [2, 2], values: Float32Array.of(1, 2, 4, 5) },
    y: { dtype: 'i32', shape: [2], values: Int32Array.of(3, 6) },
  });
  const one = (sample: Values) => () => collate([samples[0], sample], fields);
  refuses(() => collate([], fields), 'no samples');
  refuses(one({ x: Float32Array.of(1, 2) }), 'sample 1: it has no y, expected a Int32Array of 1 for i32[]');
  refuses(one({ x: Uint8Array.of(1, 2), y: 1 }), 'its x is a Uint8Array, expected a Float32Array of 2');
  refuses(one({ x: 1, y: 1 }), 'its x is one number');
  refuses(one({ x: Float32Array.of(1), y: 1 }), 'its x has 1 elements, expected a Float32Array of 2');
});

const fields: Fields = { n: { dtype: 'i32', shape: [] } };
const read = async (loader: DataLoader) => {
  const found: number[][] = [];
  for await (const { arrays } of loader) found.push([...arrays.n.values]);
  return found;
};

test('a stream is read to its end, anew in each epoch', async () => {
  const data = stream(fields, async function* (epoch) {
    for (let n = 0; n < 5; n++) yield { n: 10 * epoch + n };
  });
  const loader = new DataLoader(data, { batchSize: 2 });
  assert.equal(await read(loader), [[0, 1], [2, 3], [4]]);
  assert.equal(await read(loader), [[10, 11], [12, 13], [14]]);
  assert.equal(await read(new DataLoader(data, { batchSize: 2, dropLast: true })), [
    [0, 1],
    [2, 3],
  ]);
  assert.equal(await read(new DataLoader(stream(fields, () => [{ n: 1 }, { n: 2 }]))), [[1, 2]], 'a list will do');
});

test('an endless stream is left when its reader has enough; one that fails or hangs says where', async () => {
  let isLeft = false;
  const endless = stream(fields, function* () {
    try {
      for (let n = 0; ; n++) yield { n };
    } finally {
      isLeft = true;
    }
  });
  let sum = 0;
  for await (const { number, size } of new DataLoader(endless, { batchSize: 3 })) {
    sum += size;
    if (number === 3) break;
  }
  assert.equal([sum, isLeft], [12, true]);
  const failing = stream(fields, function* () {
    yield { n: 1 };
    throw new Error('the connection broke');
  });
  assert.is(await rejection(read(new DataLoader(failing))), 'SampleError: sample 1 of the stream: the connection broke');
  const hanging = stream(fields, () => ({
    [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<Values>>(() => undefined) }),
  }));
  assert.match(
    await rejection(read(new DataLoader(hanging, { timeoutMs: 50 }))),
    'sample 0 of the stream: sample 0 did not come within 0.05 s',
  );
  const odd = stream(fields, () => [{ n: Float32Array.of(1) }]);
  assert.match(await rejection(read(new DataLoader(odd))), 'sample 0 of the stream: its n is a Float32Array');
});

test('what a stream cannot do is refused', () => {
  const data = stream(fields, () => []);
  refuses(() => new DataLoader(data, { workers: 2 }), 'a stream comes in its own order and in one thread; leave out workers');
  refuses(() => new DataLoader(data, { shuffle: true }), 'leave out shuffle');
  refuses(() => new DataLoader(data, { onError: 'skip' }), 'a stream that fails has no next sample');
  refuses(() => new DataLoader(data).length, 'not known before its end');
});

test.run();

// Orders and batches: by seed and epoch alone, and what cannot be is refused.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { refuses } from '../refuses.ts';
import { batched, checkBatches } from './batches.ts';
import { sequential, shuffled, subsetSampler, weighted } from './samplers.ts';

const sorted = (order: Int32Array) => [...order].sort((a, b) => a - b);

test('a shuffled order has every sample once, is the same for the same seed and epoch, and another for any other', () => {
  const order = (seed: number, epoch: number) => [...shuffled(100, { seed }).order(epoch)];
  assert.equal(sorted(shuffled(100).order(4)), [...sequential(100).order(0)]);
  assert.equal(order(1, 2), order(1, 2));
  const distinct = new Set([order(1, 2), order(1, 3), order(2, 2), order(2, 1), order(0, 0)].map(String));
  assert.is(distinct.size, 5);
});

test('every place is as likely for every sample', () => {
  const [length, epochs] = [5, 20_000];
  const counts = Array.from({ length }, () => new Float64Array(length));
  const sampler = shuffled(length, { seed: 9 });
  for (let epoch = 0; epoch < epochs; epoch++) sampler.order(epoch).forEach((index, at) => counts[index][at]++);
  // Each count is binomial with deviation 57: six of them.
  for (const row of counts) for (const count of row) assert.ok(Math.abs(count - epochs / length) < 340, String(counts));
});

test('weights are met, with and without replacement', () => {
  const drawn = weighted([1, 0, 3], { count: 40_000, seed: 2 }).order(0);
  const share = (index: number) => drawn.filter((each) => each === index).length / drawn.length;
  assert.is(share(1), 0);
  assert.ok(Math.abs(share(2) - 0.75) < 0.015, String(share(2)));
  const once = weighted([1, 0, 3, 5, 1], { count: 4, replacement: false, seed: 3 });
  assert.equal(sorted(once.order(0)), [0, 2, 3, 4]);
  let first = 0;
  for (let epoch = 0; epoch < 10_000; epoch++) if (once.order(epoch)[0] === 3) first++;
  assert.ok(Math.abs(first / 10_000 - 0.5) < 0.03, `weight 5 of 10 came first ${first} times of 10000`);
});

test('a subset keeps its order, or is shuffled', () => {
  assert.equal([...subsetSampler([7, 3, 5]).order(1)], [7, 3, 5]);
  const shuffles = subsetSampler([7, 3, 5, 9, 1], { shuffle: true });
  assert.equal(sorted(shuffles.order(0)), [1, 3, 5, 7, 9]);
  assert.ok([0, 1, 2, 3].some((epoch) => `${shuffles.order(epoch)}` !== '7,3,5,9,1'));
});

test('batches of a size, the last one smaller or left out', () => {
  const sizes = (length: number, size: number, dropLast?: boolean) => {
    const { offsets } = batched(sequential(length), size, dropLast).batches(0);
    return [...offsets].slice(1).map((end, batch) => end - offsets[batch]);
  };
  assert.equal(sizes(10, 4), [4, 4, 2]);
  assert.equal(sizes(10, 4, true), [4, 4]);
  assert.equal(sizes(8, 4, true), [4, 4]);
  assert.equal(sizes(3, 4), [3]);
  assert.is(batched(sequential(3), 4).largest, 3);
});

test('what cannot be is refused', () => {
  refuses(() => sequential(0), '0 samples, expected a whole number from 1');
  refuses(() => shuffled(Number.POSITIVE_INFINITY), 'read endless data as a stream');
  refuses(() => batched(sequential(3), 4, true), '3 samples make no batch of 4');
  refuses(() => weighted([1, -1]), 'weight 1 is -1');
  refuses(() => weighted([0, 0]), '0 weights are above 0, expected at least 1');
  refuses(
    () => weighted([0, 1], { count: 2, replacement: false }),
    '1 weights are above 0, expected at least 2 to draw 2 without replacement',
  );
  const sampler = { length: 2, largest: 2, batches: () => ({ indices: new Int32Array(0), offsets: new Int32Array(0) }) };
  const check = (indices: number[], offsets: number[]) => () =>
    checkBatches({ indices: Int32Array.from(indices), offsets: Int32Array.from(offsets) }, sampler, 5);
  check([4, 0, 1], [0, 1, 3])();
  refuses(check([4, 0, 5], [0, 1, 3]), 'sample 5, expected 0 to 4');
  refuses(check([4, 0, 1], [0, 0, 3]), 'batch 0 has 0 samples, expected 1 to 2');
  refuses(check([4, 0, 1, 2], [0, 1, 4]), 'batch 1 has 3 samples');
  refuses(check([4, 0, 1], [0, 3]), 'expected 0..3 of 3');
});

test.run();

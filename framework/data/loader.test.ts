// The loader's promises: the same batches whoever makes them, errors that name the sample, nothing left behind.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rejection } from '../refuses.ts';
import { batched } from './batches.ts';
import { Numbers, type NumbersOptions } from './fixtures/numbers.ts';
import { DataLoader } from './loader.ts';
import type { LoaderOptions } from './loader-options.ts';
import { weighted } from './samplers.ts';
import { subset } from './subset.ts';

/** Every batch of some epochs, as text: numbers, indices, elements. */
async function textOf(loader: DataLoader, epochs = [0, 1]): Promise<string[]> {
  const found = [];
  for (const epoch of epochs)
    for await (const { number, indices, arrays, skipped } of loader.read(epoch))
      found.push(
        `${epoch}/${number} [${indices}] skipped ${skipped}: ${[...arrays.x.values]} ${arrays.x.shape}; ${arrays.label.values} ${arrays.label.shape}`,
      );
  return found;
}

async function loaded(data: NumbersOptions, options: LoaderOptions, epochs?: number[]): Promise<string[]> {
  await using loader = new DataLoader(new Numbers(data), options);
  // Not without await: the loader would be closed before it is read.
  return await textOf(loader, epochs);
}

const TWO: readonly LoaderOptions[] = [{ workers: 2 }];

/** What a loader without workers reads, after checking that workers read the same. */
async function sameForAll(data: NumbersOptions, options: LoaderOptions, all = TWO): Promise<string[]> {
  const expected = await loaded(data, options);
  for (const threads of all) assert.equal(await loaded(data, { ...options, ...threads }), expected, JSON.stringify(threads));
  return expected;
}

const data = { length: 23, seed: 5, busyMs: [0, 0, 3, 0.2] };

test('the same batches in the same order for any number of workers and any prefetch', async () => {
  const all = [{ workers: 1, prefetch: 0 }, ...TWO, { workers: 2, prefetch: 1 }, { workers: 3, prefetch: 7 }];
  const batches = await sameForAll(data, { batchSize: 4, shuffle: true, seed: 3 }, all);
  assert.is(batches.length, 12);
  assert.is.not(batches[0].slice(2), batches[6].slice(2), 'epochs differ');
  const indices = batches.slice(0, 6).flatMap((batch) =>
    batch
      .match(/\[(.*?)\]/)![1]
      .split(',')
      .map(Number),
  );
  assert.equal(
    indices.toSorted((a, b) => a - b),
    Array.from({ length: 23 }, (_, i) => i),
    'each sample once',
  );
});

test('whatever way a dataset hands its samples over', async () => {
  const options = { batchSize: 5, shuffle: true, dropLast: true };
  const expected = await sameForAll(data, options);
  assert.is(expected.length, 8);
  assert.equal(await sameForAll({ ...data, later: true, busyMs: undefined }, options), expected);
  assert.equal(await sameForAll({ ...data, into: true }, options), expected);
});

test('an epoch is the same whatever was read before', async () => {
  const options = { batchSize: 4, shuffle: true, workers: 2 };
  const alone = (epoch: number) => loaded(data, { ...options, workers: 0 }, [epoch]);
  assert.equal(await loaded(data, options, [7, 2, 7]), [...(await alone(7)), ...(await alone(2)), ...(await alone(7))]);
  await using loader = new DataLoader(new Numbers(data), options);
  const seen = [];
  for (let i = 0; i < 2; i++) for await (const { epoch, number } of loader) if (number === 0) seen.push(epoch);
  assert.equal(seen, [0, 1], 'iterating goes on to the next epoch');
});

test('samplers of batches, weights and subsets reach the workers', async () => {
  const batchSampler = batched(
    weighted(
      Float64Array.from({ length: 23 }, (_, i) => i % 3),
      { count: 10, seed: 4 },
    ),
    4,
  );
  const expected = await sameForAll(data, { batchSampler });
  for (const index of expected.flatMap((batch) => batch.match(/\[(.*?)\]/)![1].split(','))) assert.ok(Number(index) % 3 > 0);
  const part = () => subset(new Numbers(data), [20, 3, 3, 11, 7]);
  const inline = await textOf(new DataLoader(part(), { batchSize: 2 }));
  await using loader = new DataLoader(part(), { batchSize: 2, workers: 2 });
  assert.equal(await textOf(loader), inline);
  assert.match(inline[0], /^0\/0 \[0,1\] skipped 0: 20,20.5,0,/);
});

test('a sample that fails ends the epoch in its place, and is named with its file', async () => {
  for (const threads of [{ workers: 0 }, ...TWO]) {
    await using loader = new DataLoader(new Numbers({ ...data, bad: [9, 21] }), { batchSize: 4, ...threads });
    const numbers: number[] = [];
    const failing = (async () => {
      for await (const { number } of loader) numbers.push(number);
    })();
    assert.is(await rejection(failing), 'SampleError: sample 9 (folder/9.jpg): the pixels are damaged');
    assert.equal(numbers, [0, 1], 'batches before it come');
    assert.is(
      (await textOf(loader, [1]).catch(({ message }) => [message])).at(-1),
      'sample 9 (folder/9.jpg): the pixels are damaged',
      'again',
    );
  }
  await using short = new DataLoader(new Numbers({ ...data, short: [5] }), { batchSize: 4, workers: 1 });
  assert.match(await rejection(textOf(short)), 'sample 5 (folder/5.jpg): its x has 5 elements, expected a Float32Array of 6 for f32[6]');
});

test('samples that fail are left out and counted, the same ones for any number of workers', async () => {
  const bad = [0, 9, 4, 5, 6, 7, 22];
  const batches = await sameForAll({ ...data, bad }, { batchSize: 4, onError: 'skip' });
  assert.equal(
    batches.slice(0, 5).map((batch) => batch.match(/^(\S+ \S+ skipped \d)/)![1]),
    [
      '0/0 [1,2,3] skipped 1',
      '0/2 [8,10,11] skipped 1',
      '0/3 [12,13,14,15] skipped 0',
      '0/4 [16,17,18,19] skipped 0',
      '0/5 [20,21] skipped 1',
    ],
  );
  assert.match(batches[0], /: 1,1.5,0,.* 3,6; -1,-2,-3 3$/, 'those that follow move up');
  await using loader = new DataLoader(new Numbers({ ...data, bad }), { batchSize: 4, onError: 'skip', workers: 2 });
  await textOf(loader, [0]);
  const { samples, skipped, batches: made, faults } = loader.report();
  assert.equal({ samples, skipped, made }, { samples: 16, skipped: 7, made: 6 });
  assert.equal(
    faults,
    [0, 4, 9, 22].map((i) => `sample ${i} (folder/${i}.jpg): the pixels are damaged`),
  );
  const none = rejection(loaded({ length: 2, bad: [0, 1] }, { onError: 'skip', workers: 1 }));
  assert.match(await none, 'every sample was skipped, the first because of sample 0 (folder/0.jpg)');
});

test('a thread that dies, a sample that hangs: one error that says where', async () => {
  const dead = new DataLoader(new Numbers({ length: 64, deadly: 17 }), { batchSize: 4, workers: 2 });
  assert.match(
    await rejection(textOf(dead)),
    /^LoaderError: DataLoader: worker [12] of 2 has died \(exit code 7\) at sample 17 \(folder\/17\.jpg\)$/,
  );
  await dead.close();
  const hung = (workers: number, timeoutMs: number) =>
    loaded({ length: 20, endless: 9 }, { batchSize: 4, workers, timeoutMs, onError: 'skip' });
  assert.match(await rejection(hung(0, 300)), 'sample 9 (folder/9.jpg): it did not come within 0.3 s');
  // Long enough for a thread to start on a busy machine.
  assert.match(
    await rejection(hung(1, 2500)),
    'batch 2 is not there and no worker has done anything for 2.5 s (worker 1 at sample 9 (folder/9.jpg))',
  );
});

test('a worker that cannot open the dataset says why', async () => {
  const opened = (dataset: Numbers, recipe: Numbers['recipe']) => {
    const other = Object.defineProperty(dataset, 'recipe', { value: recipe });
    return rejection(textOf(new DataLoader(other, { workers: 2 })));
  };
  const module = import.meta.resolve('./fixtures/numbers.ts');
  assert.match(await rejection(loaded({ length: 4, otherLength: 5 }, { workers: 1 })), 'opens a dataset of 5 samples, expected 4');
  assert.match(await opened(new Numbers(data), { module, name: 'openLetters', options: {} }), 'exports no function openLetters');
  assert.match(await opened(new Numbers(data), { module: 'file:///nowhere.ts', name: 'open', options: {} }), 'nowhere.ts');
  assert.match(await opened(new Numbers(data), { module, name: 'openNumbers', options: () => 1 }), 'cannot be given the dataset');
});

test('workers go on while the reading thread is busy, as far ahead as they may', async () => {
  await using loader = new DataLoader(new Numbers({ length: 64 }), { batchSize: 4, workers: 2, prefetch: 3 });
  const epoch = loader.read(0);
  const { value } = await epoch.next();
  // The whole ring is seen through the first batch: 24 elements of x in 128 bytes and 4 labels in 64 a slot.
  const labels = () => [0, 1, 2, 3].map((slot) => new Int32Array(value!.arrays.x.values.buffer, 192 * slot + 128, 4)[3]);
  const until = performance.now() + 20_000;
  while (labels().includes(0) && performance.now() < until);
  assert.equal(labels(), [-3, -7, -11, -15], 'made without this thread having let go of itself once');
  await epoch.next();
  assert.is(loader.report().recent[1].ready, 3);
});

test('batches are views of the ring until the next one; copies stay', async () => {
  await using loader = new DataLoader(new Numbers(data), { batchSize: 4, workers: 2, prefetch: 1 });
  let last: { batch: { arrays: unknown }; copy: ArrayLike<number> } | undefined;
  for await (const batch of loader) {
    if (last) {
      assert.throws(() => last!.batch.arrays, /let go of when the next was asked for/);
      assert.is(last.copy[0], (batch.number - 1) * 4);
    }
    assert.ok(batch.arrays.x.values.buffer instanceof SharedArrayBuffer);
    last = { batch, copy: batch.copy().x.values };
    assert.not.ok((last.copy as Float32Array).buffer instanceof SharedArrayBuffer);
  }
});

test('the report counts waits, stages and how full the queue was', async () => {
  await using loader = new DataLoader(new Numbers({ length: 40, busyMs: [1], into: true }), { batchSize: 4, workers: 1, prefetch: 2 });
  const own = [];
  for await (const { number, record } of loader) {
    own.push(record);
    if (number > 0) await new Promise((resolve) => setTimeout(resolve, 12));
  }
  assert.equal(loader.report().recent, own);
  const { batches, samples, waitNs, fetchNs, transformNs, decodeNs, occupancy, recent } = loader.report();
  assert.equal([batches, samples, decodeNs], [10, 40, 0]);
  assert.ok(fetchNs >= 40e6, `${fetchNs} ns of fetch, 40 samples of 1 ms`);
  assert.ok(transformNs > 0 && transformNs < fetchNs);
  assert.is(
    occupancy.reduce((a, b) => a + b, 0),
    10,
  );
  assert.is(occupancy[0] >= 1, true, 'the first is waited for');
  assert.ok(waitNs >= recent[0].waitNs && recent[0].waitNs > 4e6);
  for (const { fetchNs, decodeNs, transformNs, otherNs, totalNs } of recent)
    assert.ok(Math.abs(fetchNs + decodeNs + transformNs + otherNs - totalNs) < 1000, 'stages sum to the whole');
  loader.forget();
  assert.is(loader.report().batches, 0);
});

test.run();

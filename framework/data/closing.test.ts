// What is left behind: no thread after an epoch that was left early, no process that does not end; and what is refused before anything is started.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { refuses, rejection } from '../refuses.ts';
import { Numbers } from './fixtures/numbers.ts';
import { DataLoader } from './loader.ts';
import type { LoaderOptions } from './loader-options.ts';
import { sequential } from './samplers.ts';

/** Threads of this process, those of V8 and libuv included, as Linux counts them. */
const threads = (): number => readdirSync('/proc/self/task').length;

const slow = { length: 400, busyMs: [1] };
const options: LoaderOptions = { batchSize: 4, workers: 2 };

test('leaving an epoch ends its threads, and the loader can be read again', async () => {
  const before = threads();
  const loader = new DataLoader(new Numbers(slow), options);
  for await (const { number } of loader) {
    assert.is(threads(), before + 2, 'two workers');
    if (number === 2) break;
  }
  assert.is(threads(), before, 'break');
  const epoch = loader.read(4);
  await epoch.next();
  await epoch.return();
  assert.is(threads(), before, 'return');
  assert.equal(await epoch.next(), { done: true, value: undefined });
  {
    await using inner = loader.read(5);
    assert.is((await inner.next()).value?.number, 0);
  }
  assert.is(threads(), before, 'dispose');
  await loader.close();
  await loader.close();
  refuses(() => loader.read(0), 'it was closed');
});

test('a closed loader and an epoch that another has followed say so', async () => {
  const loader = new DataLoader(new Numbers(slow), options);
  const first = loader.read(0);
  const batch = (await first.next()).value!;
  const second = loader.read(1);
  assert.is(await rejection(first.next()), 'LoaderError: DataLoader: epoch 0 ended when epoch 1 was begun; read one at a time');
  assert.throws(() => batch.arrays, /let go of/);
  assert.is((await second.next()).value?.arrays.x.values[2], 1);
  const asked = second.next();
  assert.match(await rejection(second.next()), 'asked for before the last one had come');
  await asked;
  await loader.close();
  assert.match(await rejection(second.next()), 'it was closed');
});

test('closing while a batch is awaited settles the wait', async () => {
  const loader = new DataLoader(new Numbers({ length: 8, busyMs: [2000] }), { batchSize: 8, workers: 1 });
  const waiting = rejection(loader.read(0).next());
  setTimeout(() => void loader.close(), 400);
  assert.match(await waiting, 'DataLoader: it was closed');
  const other = new DataLoader(new Numbers({ length: 8, busyMs: [2000] }), { batchSize: 8, workers: 1 });
  const epoch = other.read(0);
  const asked = epoch.next();
  setTimeout(() => void epoch.return(), 400);
  assert.equal(await asked, { done: true, value: undefined });
});

test('a process ends by itself when its work is done, whatever epoch was left open', () => {
  const program = fileURLToPath(new URL('./fixtures/left-open.ts', import.meta.url));
  for (const [how, samples] of [
    ['all', 64],
    ['one', 4],
  ] as const) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, how], { encoding: 'utf8', timeout: 20_000 });
    assert.equal([status, stdout, stderr], [0, `${samples}\n`, ''], how);
  }
});

test('memory that is not there is not asked for', () => {
  const image = (size: number) => new Numbers({ length: 2 ** 20, size });
  refuses(
    () => new DataLoader(image(2 ** 28), { batchSize: 2 ** 14, workers: 2 }).read(0),
    /a batch of 16384 samples takes 17\.6 TB \(1\.07 GB a sample\), 5 of them 88\.0 TB, but there are .* to take; take smaller batches, or prefetch fewer/,
  );
  refuses(() => new DataLoader(image(2 ** 40), { batchSize: 2 ** 20 }).read(0), 'take smaller batches');
});

test('options that make no sense are refused', () => {
  const data = new Numbers({ length: 10 });
  const refused = (options: object, message: string) => refuses(() => new DataLoader(data, options), message);
  refused({ batchSize: 0 }, 'batchSize is 0, expected a whole number from 1');
  refused({ batchSize: 2.5 }, 'batchSize is 2.5');
  refused({ workers: -1 }, 'workers is -1, expected a whole number from 0 to 256');
  refused({ prefetch: 1.5 }, 'prefetch is 1.5');
  refused({ onError: 'ignore' }, "onError is 'ignore', expected 'stop' or 'skip'");
  refused({ timeoutMs: 0 }, 'timeoutMs is 0');
  refused({ batchSize: 11, dropLast: true }, '10 samples make no batch of 11');
  refused({ shuffle: true, sampler: sequential(3) }, 'sampler decides the order that shuffle would');
  refused({ batchSampler: {}, batchSize: 3 }, 'batchSampler decides what batchSize would');
  refuses(
    () => new DataLoader(data, { sampler: sequential(11) }).read(0),
    'sample 10, expected 0 to 9; the sampler is not of this dataset',
  );
  refuses(() => new DataLoader(data).read(-1), 'epoch is -1');
  const bare = { length: 3, fields: data.fields, get: () => ({}) };
  refuses(() => new DataLoader(bare, { workers: 1 }), 'has no recipe by which workers could open it; use workers: 0');
  refuses(() => new DataLoader({ ...bare, length: Number.POSITIVE_INFINITY }), 'read endless data as a stream');
  refuses(() => new DataLoader({ ...bare, length: 0 }), '0 samples');
  refuses(() => new DataLoader({ ...bare, fields: {} }), 'no fields');
  refuses(() => new DataLoader({ ...bare, fields: { x: { dtype: 'f64' as 'f32', shape: [] } } }), 'field x is f64');
  refuses(() => new DataLoader({ ...bare, fields: { x: { dtype: 'f32', shape: [0] } } }), 'field x has the shape [0]');
});

test.run();

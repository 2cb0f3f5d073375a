// Pictures through the loader: the same random crops whichever thread makes them, and damaged files by name.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rejection } from '../refuses.ts';
import { DataLoader } from './loader.ts';
import type { LoaderOptions } from './loader-options.ts';
import { makeImages } from './make/make.ts';
import { openImages } from './readers/images.ts';
import { flip, randomResizedCrop } from './transforms/transform.ts';

const folder = mkdtempSync(join(tmpdir(), 'tilebench-pictures-'));
test.before(() => makeImages({ folder, count: 11 }));
test.after(() => rmSync(folder, { recursive: true }));

const photos = () => openImages({ path: folder, transforms: [randomResizedCrop(32), flip()], seed: 8 });

async function pixels(options: LoaderOptions): Promise<Uint8Array[]> {
  await using loader = new DataLoader(await photos(), { batchSize: 4, shuffle: true, ...options });
  const found: Uint8Array[] = [];
  for (const epoch of [0, 1]) for await (const { arrays } of loader.read(epoch)) found.push(Uint8Array.from(arrays.image.values));
  return found;
}

test('random crops and flips are the same for any number of workers, and others in every epoch', async () => {
  const expected = await pixels({ workers: 0 });
  assert.equal(
    expected.map(({ length }) => length / (3 * 32 * 32)),
    [4, 4, 3, 4, 4, 3],
  );
  assert.equal(await pixels({ workers: 1, prefetch: 0 }), expected);
  assert.equal(await pixels({ workers: 2 }), expected);
  const ordered = await pixels({ shuffle: false });
  assert.not.equal(ordered[0], ordered[3]);
});

test('a damaged file ends the epoch by its name, or is skipped', async () => {
  const data = await photos();
  const path = data.nameOf(6);
  const whole = readFileSync(path);
  writeFileSync(path, whole.subarray(0, whole.length / 2));
  try {
    for (const workers of [0, 1]) {
      await using stops = new DataLoader(data, { batchSize: 4, workers });
      const reading = (async () => {
        for await (const _ of stops);
      })();
      assert.is(
        await rejection(reading),
        `SampleError: sample 6: ${path}: jpeg: no end marker in ${whole.length >> 1} bytes; the file is cut off`,
      );
      await using skips = new DataLoader(data, { batchSize: 4, workers, onError: 'skip' });
      const sizes = [];
      for await (const { size } of skips) sizes.push(size);
      assert.equal([sizes, skips.report().skipped], [[4, 3, 3], 1]);
    }
  } finally {
    writeFileSync(path, whole);
  }
});

test('no process is lost that leaves an epoch while workers are decoding, or ends then', () => {
  const program = fileURLToPath(new URL('./fixtures/left-decoding.ts', import.meta.url));
  for (const [how, code] of [
    ['break', 0],
    ['opening', 0],
    ['end', 0],
    ['exit', 5],
    ['throw', 1],
  ] as const) {
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program, folder, how], { encoding: 'utf8', timeout: 30_000 });
    assert.equal([status, signal, stdout], [code, null, 'read\n'], `${how}: ${stderr}`);
    assert.is(stderr.includes('Error: of the program'), how === 'throw', stderr);
  }
});

test.run();

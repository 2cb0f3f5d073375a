import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { refuses, rejection } from '../../refuses.ts';
import { openDataset } from '../catalog.ts';
import { makeFolder, writing } from './made.ts';
import { isMade, makeImages } from './make.ts';
import { CLASSES } from './scene.ts';

const root = mkdtempSync(join(tmpdir(), 'tilebench-make-'));
test.after(() => rmSync(root, { recursive: true }));

/** Every file below a folder with its bytes. */
const contents = (folder: string) =>
  (readdirSync(folder, { recursive: true, withFileTypes: true }) as { isFile(): boolean; name: string; parentPath: string }[])
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => [join(parentPath, name).slice(folder.length), readFileSync(join(parentPath, name)).toString('base64')])
    .sort();

test('the same seed makes the same files, another seed others', async () => {
  const make = async (folder: string, seed: number) => {
    await makeImages({ folder: join(root, folder), count: 3, seed });
    return contents(join(root, folder));
  };
  const one = await make('a', 1);
  assert.equal(await make('b', 1), one);
  assert.not.equal(await make('c', 2), one);
});

test('a set opens as a dataset with a class for each folder', async () => {
  await makeImages({ folder: join(root, 'data', 'synthetic'), count: CLASSES.length, seed: 3 });
  const set = await openDataset('synthetic', { dir: join(root, 'data'), size: 64 });
  assert.is(set.length, CLASSES.length);
  assert.equal(set.classes, [...CLASSES].sort());
  const { image, label } = await set.get(4);
  assert.is(label, 4);
  assert.ok(new Set(image as Uint8Array).size > 100, 'a picture with many shades');
});

test('a set that was not finished is not taken for whole, and a new one takes its place', async () => {
  const folder = join(root, 'unfinished');
  mkdirSync(join(folder, 'warm-disc'), { recursive: true });
  writeFileSync(join(folder, 'warm-disc', '000000.jpg'), 'half');
  assert.not.ok(isMade(folder));
  await makeImages({ folder, count: 1 });
  assert.ok(isMade(folder));
  assert.is(contents(folder).length, 2);
});

test('of two processes that make the set at once, the first to end is right, and the other leaves it', async () => {
  const folder = join(root, 'both');
  const onPicture = () => {
    if (isMade(folder)) return;
    mkdirSync(folder);
    writeFileSync(join(folder, 'made.json'), JSON.stringify({ version: 1, count: 0, seed: 9 }));
  };
  await makeImages({ folder, count: 1, replace: false, onPicture });
  assert.equal(JSON.parse(readFileSync(join(folder, 'made.json'), 'utf8')).seed, 9);
  assert.equal(
    readdirSync(root).filter((name) => name.startsWith('both')),
    ['both'],
  );
  await makeImages({ folder, count: 1 });
  assert.equal(JSON.parse(readFileSync(join(folder, 'made.json'), 'utf8')).seed, 1, 'who asks for it by name gets it');
});

test('what a killed process left half-made is removed, what a living one makes stays', async () => {
  const [dead, living] = [2 ** 30, process.ppid].map((pid) => join(root, `swept.partial-${pid}`));
  for (const folder of [dead, living]) mkdirSync(folder);
  await makeImages({ folder: join(root, 'swept'), count: 1 });
  assert.equal([existsSync(dead), existsSync(living)], [false, true]);
});

test('a disk that fills ends in one line, and nothing is left', () => {
  if (process.platform !== 'linux') return; // /dev/full is Linux'
  const folder = join(root, 'full');
  const make = () =>
    makeFolder({
      folder,
      about: {},
      fill: (write) => {
        write('first.jpg', Uint8Array.of(1));
        writing(join(folder, 'second.jpg'), () => writeFileSync('/dev/full', 'x'));
      },
    });
  refuses(make, /second\.jpg: the disk is full; make room, or name another folder/);
  assert.equal(
    readdirSync(root).filter((name) => name.startsWith('full')),
    [],
  );
});

test('a folder in which nothing can be made is named', async () => {
  writeFileSync(join(root, 'file'), '');
  assert.match(
    await rejection(makeImages({ folder: join(root, 'file', 'set'), count: 1 })),
    /^WriteError: .*file.set: a part of its path is a file; make room, or name another folder$/,
  );
  assert.match(await rejection(makeImages({ folder: join(root, 'x'), count: 0 })), /^RangeError: makeImages: count is 0/);
  assert.not.ok(existsSync(join(root, 'x')));
});

test.run();

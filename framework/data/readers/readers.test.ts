import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { refuses, rejection } from '../../refuses.ts';
import { openDataset } from '../catalog.ts';
import type { Dataset, Values } from '../dataset.ts';
import { fixture, fixtureJson, fixturePath, fromBase64, noise } from '../fixture.ts';
import { openRecipe } from '../recipe.ts';
import { centerCrop, resize } from '../transforms/transform.ts';
import { openCifar } from './cifar.ts';
import { openCsv, readTable } from './csv.ts';
import { openIdx, readIdx } from './idx.ts';
import { archiveEntries } from './image-list.ts';
import { openImages } from './images.ts';
import { readLabelFile } from './label-file.ts';

const root = mkdtempSync(join(tmpdir(), 'tilebench-readers-'));
test.after(() => rmSync(root, { recursive: true }));

/** A new folder with files in it. */
let folders = 0;
function folder(files: Readonly<Record<string, string | Uint8Array>>): string {
  const path = join(root, `${folders++}`);
  mkdirSync(path);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

/** What a worker gets: the recipe, cloned, and opened again. */
const again = (set: Dataset): Promise<Dataset> => openRecipe(structuredClone(set.recipe!));

/** The sample read in every way: by get, into its place, and by a copy of the recipe; all must agree. */
async function sample(set: Dataset, index: number): Promise<Values> {
  const values = await set.get(index);
  const slots = Object.fromEntries(
    Object.entries(set.fields).map(([name, { dtype, shape }]) => {
      const kind = { f32: Float32Array, i32: Int32Array, u8: Uint8Array }[dtype];
      return [name, new kind(shape.reduce((a, b) => a * b, 1))];
    }),
  );
  await set.getInto!(index, slots);
  for (const [name, value] of Object.entries(values)) assert.equal(typeof value === 'number' ? slots[name][0] : slots[name], value, name);
  assert.equal(await (await again(set)).get(index), values, 'by its recipe');
  return values;
}

test('IDX: images and labels as Python wrote them, plain and gzipped', async () => {
  for (const suffix of ['', '.gz']) {
    const set = openIdx({ images: fixturePath(`images-idx3-ubyte${suffix}`), labels: fixturePath(`labels-idx1-ubyte${suffix}`) });
    assert.equal([set.length, set.fields], [5, { image: { dtype: 'u8', shape: [1, 4, 3] }, label: { dtype: 'i32', shape: [] } }]);
    assert.equal(await sample(set, 2), { image: noise(60).slice(24, 36), label: 4 });
    assert.match(set.nameOf(2), /images-idx3-ubyte(\.gz)?, image 2$/);
  }
});

test('IDX: wrong magic, other sizes, counts that do not match and labels out of range name the file', () => {
  const [images, labels] = ['images-idx3-ubyte', 'labels-idx1-ubyte'].map(fixture);
  const open = (pictures: Uint8Array, answers: Uint8Array) => {
    const place = folder({ images: pictures, labels: answers });
    return () => openIdx({ images: join(place, 'images'), labels: join(place, 'labels') });
  };
  const changed = (bytes: Uint8Array, at: number, value: number) => Uint8Array.from(bytes, (byte, i) => (i === at ? value : byte));
  refuses(open(labels, labels), /images: idx: rank 1, expected 3 \(images\)/);
  refuses(open(images, images), /labels: idx: rank 3, expected 1 \(labels\)/);
  refuses(open(changed(images, 0, 1), labels), /images: idx: the magic number is 16779267, expected 2051/);
  refuses(open(changed(images, 2, 13), labels), /images: idx: elements are f32, expected u8/);
  refuses(open(images.subarray(0, 70), labels), /images: idx: 54 bytes follow the header, expected 60 .*; the file is cut off/);
  refuses(open(Buffer.concat([images, labels]), labels), /the file is damaged/);
  const four = Buffer.concat([Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 4), labels.subarray(8, 12)]);
  refuses(open(images, four), /labels: 4 labels for the 5 images of .*images; the two are not of one set/);
  refuses(open(images, changed(labels, 9, 10)), /labels: the label of image 1 is 10, expected 0 to 9/);
  refuses(open(gzipSync(images).subarray(0, 40), labels), /images: gzip: .*; the file is damaged/);
  refuses(() => readIdx(Uint8Array.of(0, 0, 8)), /cut off/);
  refuses(open(Uint8Array.of(0, 0, 8, 3, ...new Uint8Array(12)), Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 0)), /no images in the file/);
  refuses(() => openIdx({ images: join(root, 'none'), labels: join(root, 'none') }), /none: there is no such file/);
  refuses(() => openIdx({ images: root, labels: root }), /it is a folder, expected a file/);
});

test('CIFAR-10: records as Python wrote them, normalized by channel, out of several files and out of the archive', async () => {
  const file = fixturePath('cifar.bin');
  const set = openCifar({ files: [file, file] });
  assert.equal([set.length, set.fields.image], [6, { dtype: 'u8', shape: [3, 32, 32] }]);
  assert.equal(await sample(set, 5), { image: noise(3072, 5), label: 4 });
  assert.match(set.nameOf(4), /cifar\.bin, image 1$/);
  const normal = openCifar({ files: [file], normalize: { mean: [0, 0.5, 1], std: [1, 2, 4] } });
  const { image } = await sample(normal, 0);
  assert.equal(
    [0, 1024, 2048].map((at) => (image as Float32Array)[at]),
    [0, 0.5, 1].map((mean, c) => Math.fround((noise(3072, 10)[c * 1024] / 255 - mean) / 2 ** c)),
  );
  refuses(() => openCifar({ files: [fixturePath('pax.tar')] }), /pax\.tar: cifar: 10240 bytes, expected records of 3073/);
  const bad = folder({ 'data.bin': Uint8Array.from({ length: 3073 }, () => 10) });
  refuses(() => openCifar({ files: [join(bad, 'data.bin')] }), /data\.bin: cifar: the label of image 0 is 10, expected 0 to 9/);
});

test('CSV: numbers and labels as Python wrote them; classes in alphabetic order or by number', async () => {
  const set = openCsv({ path: fixturePath('flowers.csv') });
  assert.equal([set.length, set.columns, set.classes], [3, ['length', 'width, "cm"'], ['setosa', 'versi,color']]);
  assert.equal(await sample(set, 1), { features: Float32Array.of(7, 0.25), label: 1 });
  assert.match(set.nameOf(1), /flowers\.csv, line 3$/);
  const table = readTable('y,a,b\n3,1,2\n0,4,5\n', { label: 'y', features: ['b'] });
  assert.equal(
    [[...table.labels], [...table.features], table.classes],
    [
      [3, 0],
      [2, 5],
      ['0', '1', '2', '3'],
    ],
  );
});

test('CSV: what is no number, no column or no row is named with its line', () => {
  refuses(() => readTable('a,label\n1,x\ntwo,y\n'), "csv: line 3: a is 'two', expected a number");
  refuses(() => readTable('a,label\n,x\n'), "csv: line 2: a is '', expected a number");
  refuses(() => readTable('a,label\n1e39,x\n'), "csv: line 2: a is '1e39', expected a number");
  refuses(() => readTable('a,label\n1, \n'), 'csv: line 2: label is empty');
  refuses(() => readTable('a,b\n1,2\n'), "csv: no column 'label' among a, b; say which one holds the labels");
  refuses(() => readTable('a,label\n'), 'csv: no rows below the header');
  refuses(() => readTable('a,label\n1,x,2\n'), 'csv: line 2: found 3 fields, expected 2');
  const place = folder({ 'bad.csv': 'a,label\n"1,x\n', 'binary.csv': Uint8Array.of(0xff, 0xfe) });
  refuses(() => openCsv({ path: join(place, 'bad.csv') }), /bad\.csv: csv: line 2: a quoted field is never closed/);
  refuses(() => openCsv({ path: join(place, 'binary.csv') }), /binary\.csv: csv: the file is not UTF-8 text/);
});

const names = (path: string) => archiveEntries(path).map(({ name }) => name);
const LONG = `daisy/${'a-very-long-name-'.repeat(8)}.png`;

test("tar: pax, GNU and ustar as Python's tarfile and GNU tar write them", () => {
  for (const name of ['pax.tar', 'gnu.tar']) assert.equal(names(fixturePath(name)), ['rose/one.jpg', LONG, 'notes.txt'], name);
  assert.equal(names(fixturePath('ustar.tar'))[0], `daisy/${'d'.repeat(90)}/${'f'.repeat(60)}.jpg`);
  assert.equal(names(fixturePath('gnutar.tar')), ['daisy/one.jpg', 'rose/one.jpg'], './ in front is left out');
  assert.equal(names(fixturePath('posix.tar')), ['daisy/one.jpg', 'rose/one.jpg']);
});

test('tar: what climbs out, links or is no file is refused with its name', () => {
  const says = (name: string, text: RegExp) => refuses(() => archiveEntries(fixturePath(name)), text);
  says('climbing.tar', /climbing\.tar: tar: '\.\.\/outside\.jpg' climbs out of its folder/);
  says('absolute.tar', /absolute\.tar: tar: '\/etc\/outside\.jpg' climbs out of its folder/);
  says('link.tar', /link\.tar: tar: 'rose\/one\.jpg' is a symbolic link/);
  says('hardlink.tar', /hardlink\.tar: tar: 'rose\/two\.jpg' is a hard link/);
  says('device.tar', /device\.tar: tar: 'rose\/one\.jpg' is a device/);
  says('colour.jpg', /colour\.jpg: tar: .*no tar archive/);
  const whole = fixture('gnutar.tar');
  const place = folder({
    'cut.tar': whole.subarray(0, 3000),
    'ends.tar': whole.subarray(0, 2048),
    'twice.tar': twice(fixture('posix.tar')),
  });
  refuses(
    () => archiveEntries(join(place, 'cut.tar')),
    /cut\.tar: tar: the entry at byte \d+ ends at byte \d+ of 3000; the file is cut off/,
  );
  refuses(() => archiveEntries(join(place, 'ends.tar')), /ends\.tar: tar: .*cut off/);
  refuses(() => archiveEntries(join(place, 'twice.tar')), /twice\.tar: tar: 'daisy\/one\.jpg' is there twice/);
});

/** An archive with its files appended again, as tar -r does. */
function twice(tar: Uint8Array): Uint8Array {
  let end = tar.length;
  while (tar.subarray(end - 512, end).every((byte) => byte === 0)) end -= 512;
  return Buffer.concat([tar.subarray(0, end), tar]);
}

test('images of an archive: plain, and gzipped in memory; a class for each folder; a recipe that reads nothing again', async () => {
  for (const name of ['pax.tar', 'gzipped.tar.gz']) {
    const set = await openImages({ path: fixturePath(name), transforms: [] });
    assert.equal([set.length, set.classes, set.fields.image], [2, ['daisy', 'rose'], { dtype: 'u8', shape: [3, 30, 40] }], name);
    assert.match(set.nameOf(0), new RegExp(`${name}/daisy/a-very-long`));
    const [png, jpeg] = [await sample(set, 0), await sample(set, 1)];
    assert.equal([png.label, jpeg.label], [0, 1]);
    const difference = (png.image as Uint8Array).reduce((sum, value, i) => sum + Math.abs(value - (jpeg.image as Uint8Array)[i]), 0);
    assert.ok(difference > 0 && difference / 3600 < 4, `the same picture as PNG and as JPEG: ${difference / 3600}`);
    set.close();
  }
});

const jpeg = fixture('colour.jpg');

test('images of a folder: a subfolder for each class, or labels.csv, with its files beside it, in images/, or in an archive', async () => {
  const classes = await openImages({
    path: folder({ 'b/2.jpg': jpeg, 'b/1.JPEG': jpeg, 'a/x/3.jpg': jpeg, 'c/notes.txt': '' }),
    transforms: [],
  });
  assert.equal([classes.length, classes.classes], [3, ['a', 'b']]);
  assert.equal(
    [0, 1, 2].map((i) => classes.nameOf(i).slice(-7)),
    ['x/3.jpg', '/1.JPEG', 'b/2.jpg'],
  );
  for (const inside of ['', 'images/']) {
    const path = folder({
      'labels.csv': 'file,class_index,class_name\ny.jpg,2,two\nx.jpg,0,zero\n',
      [`${inside}x.jpg`]: jpeg,
      [`${inside}y.jpg`]: jpeg,
    });
    const set = await openImages({ path, transforms: [] });
    assert.equal([set.length, set.classes], [2, ['zero', '1', 'two']]);
    assert.is((await sample(set, 0)).label, 2);
  }
  const path = folder({ 'labels.csv': `file,class\nrose/one.jpg,r\n${LONG},d\n` });
  cpSync(fixturePath('gzipped.tar.gz'), join(path, 'all.tar.gz'));
  const packed = await openImages({ path, transforms: [] });
  assert.equal([packed.length, packed.classes, (await sample(packed, 0)).label], [2, ['d', 'r'], 1]);
});

test('a folder with train and test, by the part asked for', async () => {
  const path = folder({ 'train/a/1.jpg': jpeg, 'train/b/1.jpg': jpeg, 'test/a/1.jpg': jpeg });
  assert.equal([(await openDataset(path)).length, (await openDataset(path, { split: 'test' })).length], [2, 1]);
});

test('folders without images, files that are missing, damaged or of another size: one error that names them', async () => {
  const says = async (files: Parameters<typeof folder>[0], text: RegExp) =>
    assert.match(await rejection(openImages({ path: folder(files), transforms: [] })), text);
  await says({}, /FormatError: .*: no \.jpg, \.jpeg or \.png in it, expected at least one/);
  await says({ 'a/notes.txt': '' }, /no \.jpg, \.jpeg or \.png in it/);
  await says({ 'loose.jpg': jpeg }, /loose\.jpg: it lies in no class folder, and there is no labels\.csv beside it/);
  await says({ 'labels.csv': 'file,label\ngone.jpg,1\n' }, /labels\.csv: line 2: there is no file .*gone\.jpg/);
  await says({ 'labels.csv': 'file,label\n../up.jpg,1\n' }, /labels\.csv: .*'\.\.\/up\.jpg' climbs out of its folder/);
  await says(
    { 'labels.csv': 'file,label\nx.jpg,-1\n', 'x.jpg': jpeg },
    /labels\.csv: labels: line 2: label is '-1', expected a whole number from 0/,
  );
  await says({ 'labels.csv': 'file,label\nx.jpg,1\nx.jpg,2\n', 'x.jpg': jpeg }, /line 3: 'x\.jpg' is there since line 2/);
  await says({ 'a/bad.jpg': jpeg.subarray(0, 700) }, /bad\.jpg: jpeg: no end marker in 700 bytes; the file is cut off/);
  assert.match(await rejection(openImages({ path: join(root, 'nowhere') })), /DataError: .*nowhere: there is no such file/);
  const mixed = await openImages({
    path: folder({ 'a/1.jpg': jpeg, 'a/2.jpg': jpeg.subarray(0, 900), 'a/3.jpg': 'text' }),
    transforms: [],
  });
  refuses(() => mixed.get(1), /a\/2\.jpg: jpeg: no end marker/);
  refuses(() => mixed.get(2), /a\/3\.jpg: the file begins with 74 65 78 74: neither JPEG nor PNG/);
  assert.is((await sample(mixed, 0)).label, 0);
  const sizes = await openImages({ path: folder({ 'a/1.jpg': jpeg, 'a/2.jpg': fixture('grey.jpg') }) });
  assert.equal(sizes.fields.image.shape, [3, 224, 224]);
  const unlike = await openImages({
    path: folder({ 'a/1.jpg': jpeg, 'a/2.png': fromBase64(fixtureJson('png.json').rgb.file) }),
    transforms: [],
  });
  refuses(() => unlike.get(1), /a\/2\.png: the image is 21x13 after its transforms, expected 40x30 like the first; resize and crop$/);
  const cropped = await openImages({ path: folder({ 'a/1.jpg': jpeg }), transforms: [centerCrop(31)] });
  refuses(() => cropped.get(0), /a\/1\.jpg: the image is 40x30, too small to crop 31x31 from it; resize it first$/);
  const huge = await openImages({ path: folder({ 'a/1.jpg': jpeg }), transforms: [resize(40_000), centerCrop(40_000)] });
  refuses(
    () => huge.getInto(0, { image: new Uint8Array(), label: new Int32Array(1) }),
    /a\/1\.jpg: the image takes \d+ bytes to work on, more than there are/,
  );
  const gone = folder({ 'a/1.jpg': jpeg, 'a/2.jpg': jpeg });
  const set = await openImages({ path: gone, transforms: [] });
  rmSync(join(gone, 'a/2.jpg'));
  refuses(() => set.get(1), /a\/2\.jpg: there is no such file/);
});

test('labels.csv without the columns it needs says which', () => {
  const read = (text: string) => () => readLabelFile(Buffer.from(text));
  refuses(read('name,label\nx,1\n'), 'labels: columns are name, label; expected file, and label, class_index or class');
  refuses(read('file\nx\n'), 'labels: columns are file;');
  assert.equal(readLabelFile(Buffer.from('file,class\nx.jpg,b\ny.jpg,a\n')).labels, Int32Array.of(1, 0));
});

test.run();

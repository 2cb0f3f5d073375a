import { readFileSync } from 'node:fs';
import zlib from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { crc32 } from './crc32.ts';
import { bitsOf, complaint, EVERY_DTYPE, unnoticedCuts, unnoticedFlips } from './damage.ts';
import { readNpy, writeNpy } from './npy.ts';
import { readNpz, writeNpz } from './npz.ts';
import { readZip } from './unzip.ts';
import { writeZip } from './zip.ts';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}.npz`, import.meta.url));
const text = (value: string) => new TextEncoder().encode(value);

test("NumPy's savez: every type, both byte orders, Fortran's order, one number, no numbers", async () => {
  const arrays = await readNpz(fixture('types'));
  const wide = { f8: 'f32', i1: 'i32', i2: 'i32', i8: 'i32', u2: 'i32', u4: 'i32', u8: 'i32' };
  for (const [name, dtype] of Object.entries({ f4: 'f32', f2: 'f16', i4: 'i32', u1: 'u8', big: 'f32', ...wide })) {
    const { values, ...rest } = arrays.get(name)!;
    assert.equal([name, { ...rest }, [...values]], [name, { shape: [2, 3], dtype }, [0, 1, 2, 3, 100, 127]]);
  }
  assert.equal(arrays.get('b1'), { shape: [5], dtype: 'bool', values: Uint8Array.of(1, 0, 1, 1, 0) });
  assert.equal(arrays.get('fortran'), { shape: [2, 3, 4], dtype: 'f32', values: Float32Array.from({ length: 24 }, (_, i) => i) });
  assert.equal(arrays.get('bigFortran'), { shape: [2, 3], dtype: 'i32', values: Int32Array.of(0, 1, 2, 3, 100, 127) });
  assert.equal(arrays.get('scalar'), { shape: [], dtype: 'f32', values: Float32Array.of(-1.5) });
  assert.equal(arrays.get('empty'), { shape: [0, 3], dtype: 'f32', values: new Float32Array() });
  const special = Float32Array.of(0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 2 ** -149, 3.4028234663852886e38);
  assert.equal(bitsOf(arrays.get('special')!), bitsOf({ shape: [7], dtype: 'f32', values: special }));
});

test("NumPy's savez_compressed is unpacked", async () => {
  const arrays = await readNpz(fixture('packed'));
  assert.equal([...arrays.keys()], ['ramp', 'half']);
  assert.equal(
    arrays.get('ramp')!.values,
    Int32Array.from({ length: 5000 }, (_, i) => Math.trunc(i / 100)),
  );
  assert.equal(arrays.get('half'), { shape: [2, 2], dtype: 'f16', values: Float16Array.of(0.5, 0.5, 0.5, 0.5) });
});

test('an array is written byte for byte as NumPy writes it', async () => {
  const entries = await readZip(fixture('types'), 2 ** 20);
  for (const name of ['f4', 'f2', 'i4', 'u1', 'b1', 'scalar', 'empty', 'deep', 'special']) {
    const bytes = entries.get(`${name}.npy`)!;
    assert.equal([...writeNpy(readNpy(bytes))], [...bytes], name);
  }
});

test('what is written is read again, bit for bit, under the same names in the same order, from the same bytes', async () => {
  const named = [...EVERY_DTYPE, ['größe/__proto__', EVERY_DTYPE.get('mask')!]] as const;
  const bytes = writeNpz(named);
  assert.equal(writeNpz(named), bytes);
  const arrays = await readNpz(bytes);
  assert.equal(
    [...arrays.keys()],
    named.map(([name]) => name),
  );
  for (const [name, array] of named) assert.equal(bitsOf(arrays.get(name)!), bitsOf(array));
  assert.is((await readNpz(writeNpz([]))).size, 0);
});

test("the checksum is CRC-32: its check value, and zlib's value at every length", () => {
  assert.is(crc32(text('123456789')), 0xcbf43926);
  const bytes = fixture('packed');
  for (let length = 0; length < 70; length++)
    assert.is(crc32(bytes.subarray(0, length)), zlib.crc32(bytes.subarray(0, length)), `${length}`);
});

test('a file cut off anywhere is noticed, stored or deflated', async () => {
  assert.equal(await unnoticedCuts(readNpz, writeNpz([['x', EVERY_DTYPE.get('mask')!]])), []);
  assert.equal(await unnoticedCuts(readNpz, fixture('packed')), []);
});

test('turned bits end in a FormatError, except where they say nothing of the arrays', async () => {
  const bytes = writeNpz([['x', EVERY_DTYPE.get('mask')!]]);
  const directory = bytes.length - 22 - 46 - 5;
  const content = 30 + 5;
  const unnoticed = await unnoticedFlips(readNpz, bytes);
  assert.equal(
    unnoticed.filter((at) => at >= content && at < directory),
    [],
    'contents',
  );
  const [crc, sizes, names] = [directory + 16, directory + 20, directory + 46];
  for (const field of [crc, sizes, names])
    assert.equal(
      unnoticed.filter((at) => at >= field && at < field + 4 && at !== names),
      [],
    );
  await unnoticedFlips(readNpz, fixture('packed'));
});

test('every other damage is named, with what was expected', async () => {
  const array = EVERY_DTYPE.get('mask')!;
  const good = writeNpz([
    ['x', array],
    ['y', array],
  ]);
  const view = new DataView(good.buffer);
  const end = good.length - 22;
  const begin = view.getUint32(end + 16, true);
  const second = begin + 46 + 5;
  /** The good file with numbers put at places in it. */
  const changed = (...fields: [at: number, value: number, bytes: 2 | 4][]) => {
    const bytes = Uint8Array.from(good);
    const target = new DataView(bytes.buffer);
    for (const [at, value, width] of fields) width === 2 ? target.setUint16(at, value, true) : target.setUint32(at, value, true);
    return bytes;
  };
  const packed = fixture('packed');
  /** The deflated file, whose first array claims to unpack to so many bytes. */
  const claiming = (unpacked: number) => {
    const bytes = Uint8Array.from(packed);
    const target = new DataView(bytes.buffer);
    target.setUint32(target.getUint32(bytes.length - 6, true) + 24, unpacked, true);
    return bytes;
  };
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(0), /no end record in the last of 0 bytes/],
    [text('x'.repeat(100_000)), /no end record/],
    [changed([end, 0, 4]), /no end record/],
    [changed([end + 4, 1, 2]), /several disks/],
    [changed([end + 10, 0xffff, 2]), /ZIP64/],
    [changed([end + 16, begin - 1, 4]), /directory ends at byte \d+, expected \d+/],
    [changed([end + 8, 3, 2], [end + 10, 3, 2]), /no header of entry 2 of 3/],
    [changed([end + 8, 1, 2], [end + 10, 1, 2]), /51 bytes follow the directory's 1 entries/],
    [changed([begin + 28, 60_000, 2]), /no header of entry 0/],
    [changed([begin + 8, 1, 2]), /'x\.npy' is encrypted/],
    [changed([begin + 10, 14, 2]), /compression method 14, expected 0 \(stored\) or 8 \(deflated\)/],
    [changed([begin + 20, 0xffffffff, 4]), /4 GiB or more/],
    [changed([begin + 24, 4, 4]), /131 bytes cannot unpack to 4/],
    [changed([begin + 20, 9999, 4], [begin + 24, 9999, 4]), /data end at byte \d+, expected \d+ or before/],
    [changed([begin + 42, 5, 4]), /local header at byte 5 says otherwise/],
    [changed([begin + 42, 0xfffffff0, 4]), /local header at byte 4294967280 says otherwise/],
    [changed([begin + 16, 0, 4]), /checksum is [0-9a-f]+, expected 0/],
    [changed([begin + 20, 140, 4], [begin + 24, 140, 4]), /'y\.npy' overlaps zip: entry 'x\.npy'/],
    [changed([begin + 46, 0x2e79, 2], [30, 0x2e79, 2]), /'y\.npy' is there twice/],
    [changed([second + 10, 8, 2], [view.getUint32(second + 42, true) + 8, 8, 2]), /'y\.npy' (does not unpack|unpacks to)/],
    [claiming(5000), /unpacks to more than the 5000 bytes it states/],
    [claiming(30_000), /unpacks to 20128 bytes, expected 30000/],
    [writeZip([['notes.txt', text('hello')]]), /'notes\.txt' is no array, expected names that end in \.npy/],
    [writeZip([['x.npy', text('hello')]]), /npz: entry 'x\.npy': the file begins with other bytes/],
  ];
  for (const [bytes, message] of cases) assert.match((await complaint(readNpz, bytes)) ?? 'accepted', message);
});

test('a small file that unpacks to much is refused before it is unpacked', async () => {
  const packed = fixture('packed');
  const limited = await complaint((bytes) => readNpz(bytes, { limit: 10_000 }), packed);
  assert.match(limited!, /unpack to 20264 bytes, more than the limit of 10000/);
  const bomb = Uint8Array.from(packed);
  new DataView(bomb.buffer).setUint32(new DataView(bomb.buffer).getUint32(packed.length - 6, true) + 24, 2 ** 31 - 1, true);
  assert.match((await complaint(readNpz, bomb))!, /cannot unpack to 2147483647/);
});

test('what cannot be written is refused by name', () => {
  const array = EVERY_DTYPE.get('mask')!;
  assert.throws(
    () =>
      writeNpz([
        ['x', array],
        ['x', array],
      ]),
    /entry 'x\.npy': the name is taken/,
  );
  assert.throws(() => writeNpz([['\ud800', array]]), /no Unicode text/);
  assert.throws(() => writeNpz([['x'.repeat(70_000), array]]), /length of a name is 70004, expected less than 65535/);
  assert.throws(() => writeNpz([['x', { ...array, shape: [4] }]]), /npz: array 'x': 3 elements do not fill the shape \[4\]/);
});

test.run();

import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bitsOf, complaint, EVERY_DTYPE, unnoticedCuts, unnoticedFlips } from './damage.ts';
import { readNpy, writeNpy } from './npy.ts';

const fixture = (name: string) => readFileSync(new URL(`./fixtures/${name}.npy`, import.meta.url));

/** A file of version 1.0 with this dict as its header, and so many zero bytes of elements. */
function file(header: string, data = 0): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(10 + text.length + data);
  bytes.set([0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, text.length & 255, text.length >> 8]);
  bytes.set(text, 10);
  return bytes;
}
const dict = (descr: string, order: string, shape: string) => `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`;

test('versions 2.0 and 3.0 are read', () => {
  for (const name of ['version2', 'version3'])
    assert.equal(readNpy(fixture(name)), { shape: [2, 3], dtype: 'f32', values: Float32Array.of(0, 1, 2, 3, 100, 127) });
});

test('what is written is read again, bit for bit, and begins at a multiple of 64', () => {
  for (const [name, array] of EVERY_DTYPE) {
    const bytes = writeNpy(array);
    assert.is((bytes.length - array.values.byteLength) % 64, 0, name);
    assert.equal(bitsOf(readNpy(bytes)), bitsOf(array), name);
  }
  const rank = Array(64).fill(1);
  assert.equal(readNpy(writeNpy({ shape: rank, dtype: 'u8', values: Uint8Array.of(7) })).shape, rank);
});

test('headers that other programs write: keys in any order, tight, with the L of Python 2', () => {
  const array = { shape: [2, 1], dtype: 'f32', values: new Float32Array(2) };
  for (const header of [
    "{'shape':(2,1),'descr':'<f4','fortran_order':False}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 1L), }   \n",
    "{  'fortran_order' : False , 'shape' : ( 2 , 1 , ) , 'descr' : '<f4' }",
  ])
    assert.equal(readNpy(file(header, 8)), array, header);
});

test('a file cut off anywhere is noticed; turned bits end in a FormatError or in other values', async () => {
  const bytes = writeNpy({ shape: [2, 3], dtype: 'i32', values: Int32Array.of(1, 2, 3, 4, 5, 6) });
  assert.equal(await unnoticedCuts(readNpy, bytes), []);
  const unnoticed = await unnoticedFlips(readNpy, bytes);
  const header = "{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }";
  // '<' and '>' differ by two bits, i4 from f4 by four, and a space may be a control character less: only lengths and marks cannot hide.
  const magic = unnoticed.filter((at) => at < 10);
  const shape = unnoticed.filter((at) => at > 10 + header.indexOf('(') && at < 10 + header.indexOf(')') && header[at - 10] !== ' ');
  assert.equal([magic, shape], [[], []]);
});

test('every other damage is named, with what was expected', async () => {
  const good = writeNpy({ shape: [1], dtype: 'u8', values: Uint8Array.of(1) });
  const changed = (at: number, byte: number) => Uint8Array.from(good, (old, i) => (i === at ? byte : old));
  const cases: [Uint8Array, RegExp][] = [
    [changed(0, 0x50), /begins with other bytes/],
    [new TextEncoder().encode('PK'), /begins with other bytes/],
    [changed(6, 4), /version 4\.0, expected 1\.0, 2\.0 or 3\.0/],
    [changed(7, 1), /version 1\.1/],
    [changed(6, 2), /header claims \d+ bytes, at most 65536/],
    [changed(12, 0xff), /not UTF-8/],
    [fixture('structured'), /structured dtype.*save each field by itself.*\[\('x', '<f4'\)/],
    [fixture('object'), /descr is "\|O", expected < or > and one of f4, .*astype/],
    [fixture('complex'), /descr is "<c8"/],
    [file(''), /10 bytes, expected 12 or more; the file is cut off/],
    [file('no'), /not the dict that NumPy writes: "no"/],
    [file('{}'), /descr is missing/],
    [file(dict("'<f4'", 'False', '(2,)').slice(0, -1), 8), /not the dict/],
    [file(`${dict("'<f4'", 'False', '(2,)')} x`, 8), /not the dict/],
    [file(dict('__import__', 'False', '(2,)'), 8), /not the dict/],
    [file(dict("'f4'", 'False', '(2,)'), 8), /descr is "f4"/],
    [file(dict("'<toString'", 'False', '(2,)'), 8), /descr is "<toString"/],
    [file(dict("'<f4'", '0', '(2,)'), 8), /not the dict/],
    [file(dict("'<f4'", "'C'", '(2,)'), 8), /fortran_order is C, expected True or False/],
    [file(dict("'<f4'", 'False', 'True'), 8), /shape is true/],
    [file(dict("'<f4'", 'False', '(-2,)'), 8), /tuple \(-2,\), expected whole numbers/],
    [file(dict("'<f4'", 'False', `(${' '.repeat(60_000)}`), 8), /not the dict/],
    [file(dict("'<f4'", 'False', `(${'1,'.repeat(65)})`), 4), /shape is .*at most 64/],
    [file(dict("'<f4'", 'False', '(9999999999999999999,)'), 4), /shape is \[10000000000000000000\]/],
    [file(dict("'<f4'", 'False', '(4294967296, 4294967296)'), 4), /elements, more than any file/],
    [
      file(dict("'<f4'", 'False', '(1000000000,)'), 4),
      /4 bytes of elements, but \[1000000000\] of 4 bytes each needs 4000000000; the file is cut off/,
    ],
    [file(dict("'<f4'", 'False', '(1,)'), 8), /8 bytes of elements.*save one array a file/],
    [file("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4), /key 'descr' twice/],
  ];
  for (const [bytes, message] of cases) assert.match((await complaint(readNpy, bytes)) ?? 'accepted', message);
  assert.is(readNpy(good).values[0], 1);
});

test('what cannot be written is refused', () => {
  assert.throws(() => writeNpy({ shape: [3], dtype: 'f32', values: Float32Array.of(1, 2) }), /npy: 2 elements do not fill the shape \[3\]/);
  assert.throws(
    () => writeNpy({ shape: [1], dtype: 'i32', values: Uint8Array.of(1) }),
    /values of i32 are a Uint8Array, expected a Int32Array/,
  );
});

test.run();

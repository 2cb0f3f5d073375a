import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { HostArray } from './array.ts';
import { bitsOf, complaint, EVERY_DTYPE, unnoticedCuts, unnoticedFlips } from './damage.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

const STEPS = [0, 1, 2, 3, 100, 127];

/** A file with this header, as text or as what JSON makes of it, and so many zero bytes of data. */
function file(header: unknown, data = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}
const x = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };

test("another program's file: every type is read as the dtype that keeps its values", () => {
  const { arrays, metadata } = readSafetensors(readFileSync(new URL('./fixtures/types.safetensors', import.meta.url)));
  assert.equal(
    [...metadata],
    [
      ['format', 'pt'],
      ['größe', 'ä\n"'],
    ],
  );
  const dtypes = Object.fromEntries([...arrays].map(([name, { dtype }]) => [name.slice(4), dtype]));
  const wide = { F64: 'f32', BF16: 'f32', I8: 'i32', I16: 'i32', I64: 'i32', U16: 'i32', U32: 'i32', U64: 'i32' };
  assert.equal(dtypes, { F32: 'f32', F16: 'f16', I32: 'i32', U8: 'u8', BOOL: 'bool', ...wide });
  for (const [name, { shape, values }] of arrays) {
    assert.equal(shape, [2, 3]);
    assert.equal([...values], name === 'net.BOOL' ? [1, 0, 0, 1, 1, 0] : STEPS, name);
  }
});

test('what is written is read again, bit for bit, also at an odd place in memory', () => {
  const bytes = writeSafetensors(EVERY_DTYPE, [['epoch', '7']]);
  const shifted = new Uint8Array(bytes.length + 3).subarray(3);
  shifted.set(bytes);
  const { arrays, metadata } = readSafetensors(shifted);
  assert.equal([...metadata], [['epoch', '7']]);
  assert.is(arrays.size, EVERY_DTYPE.size);
  for (const [name, array] of EVERY_DTYPE) assert.equal(bitsOf(arrays.get(name)!), bitsOf(array));
});

test('the same arrays give the same bytes in any order, each array aligned to its elements', () => {
  const bytes = writeSafetensors(EVERY_DTYPE, [
    ['b', '1'],
    ['a', '2'],
  ]);
  assert.equal(
    writeSafetensors([...EVERY_DTYPE].reverse(), [
      ['a', '2'],
      ['b', '1'],
    ]),
    bytes,
  );
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  assert.is(length % 8, 0);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  for (const [name, { values }] of EVERY_DTYPE) assert.is(header[name].data_offsets[0] % values.BYTES_PER_ELEMENT, 0);
});

test('no arrays, empty arrays, and names that objects have are all fine', () => {
  assert.is(readSafetensors(writeSafetensors([])).arrays.size, 0);
  const empty: HostArray = { shape: [0, 3], dtype: 'f32', values: new Float32Array() };
  const { arrays } = readSafetensors(
    writeSafetensors([
      ['__proto__', empty],
      ['1', empty],
      ['', empty],
    ]),
  );
  assert.equal([...arrays.keys()].sort(), ['', '1', '__proto__']);
  assert.equal(arrays.get('__proto__'), empty);
});

test('a file cut off anywhere is noticed; turned bits end in a FormatError or in other values', async () => {
  const bytes = writeSafetensors(EVERY_DTYPE, [['epoch', '7']]);
  assert.equal(await unnoticedCuts(readSafetensors, bytes), []);
  const unnoticed = await unnoticedFlips(readSafetensors, bytes);
  const entry = '"shape":[2,3],"data_offsets":[4,28]}';
  const begin = new TextDecoder('latin1').decode(bytes).indexOf(entry);
  assert.ok(begin > 0);
  assert.equal(
    unnoticed.filter((at) => at < 8 || (at >= begin && at < begin + entry.length)),
    [],
  );
});

test('every other damage is named, with what was expected', async () => {
  const huge = file({});
  new DataView(huge.buffer).setBigUint64(0, 2n ** 63n, true);
  const cases: [Uint8Array, RegExp][] = [
    [huge, /header claims 9223372036854775808 bytes, at most 100000000/],
    [file({ x }).subarray(0, 20), /header claims \d+ bytes but 12 follow; the file is cut off/],
    [file('[]'), /begins with "\[", expected "\{"/],
    [file(' {}'), /begins with " "/],
    [file('{"a":'), /not JSON/],
    [file(`{"a":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_001)}`), /nested deeper than 16 at character 80/],
    [file(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`), /nested deeper than 16 at character 20/],
    [file({ [`\u009b31m${'x'.repeat(100)}`]: null }), /tensor '\?31mx{56}\.\.\.' is null/],
    [new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff]), /not UTF-8/],
    [
      file('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
      /key "a" twice/,
    ],
    [file('{"a":{"dtype":"U8","dtype":"F32","shape":[0],"data_offsets":[0,0]}}'), /key "dtype" twice/],
    [file({ __metadata__: { a: 1 } }), /__metadata__ is \{"a":1\}, expected an object of texts/],
    [file({ x: null }), /tensor 'x' is null, expected dtype/],
    [file({ x: { ...x, dtype: 'F8_E4M3' } }, 8), /dtype is "F8_E4M3", expected one of F32,/],
    [file({ x: { ...x, dtype: 'toString' } }, 8), /dtype is "toString"/],
    [file({ x: { ...x, dtype: undefined } }, 8), /dtype is missing/],
    [file({ x: { ...x, shape: [-2] } }, 8), /shape is \[-2\]/],
    [file({ x: { ...x, shape: [1.5] } }, 8), /shape is \[1.5\]/],
    [file({ x: { ...x, shape: '2' } }, 8), /shape is "2"/],
    [file({ x: { ...x, shape: Array(65).fill(1) } }, 4), /at most 64/],
    [file({ x: { ...x, shape: [2 ** 40, 2 ** 40] } }, 8), /1.20\d+e\+24 elements/],
    [file({ x: { ...x, data_offsets: [0] } }, 8), /data_offsets are \[0\]/],
    [file({ x: { ...x, data_offsets: [-8, 0] } }, 8), /data_offsets are \[-8,0\]/],
    [file({ x: { ...x, data_offsets: [8, 0] } }, 8), /hold -8 bytes, but F32 \[2\] needs 8/],
    [file({ x: { ...x, data_offsets: [0, 12] } }, 12), /hold 12 bytes/],
    [file({ x }, 7), /ends at byte 8 of the data but there are 7; the file is cut off/],
    [file({ x }, 9), /1 bytes follow the last tensor/],
    [file({ x, y: { ...x, data_offsets: [4, 12] } }, 12), /'y' begins at byte 4 of the data, expected 8; tensors overlap/],
    [file({ x, y: x }, 8), /tensors overlap/],
    [file({ x, y: { ...x, data_offsets: [12, 20] } }, 20), /expected 8; bytes lie between/],
  ];
  for (const [bytes, message] of cases) assert.match((await complaint(readSafetensors, bytes)) ?? 'accepted', message);
  const flag = file({ x: { dtype: 'BOOL', shape: [2], data_offsets: [0, 2] } }, 2);
  flag[flag.length - 1] = 2;
  assert.throws(() => readSafetensors(flag), /tensor 'x': element 1 of bool is 2/);
  const wide = file({ x: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8);
  wide[wide.length - 4] = 1;
  assert.throws(() => readSafetensors(wide), /element 0 of i64 is 4294967296, outside i32/);
});

test('what cannot be written is refused by name', () => {
  const good: HostArray = { shape: [2], dtype: 'f32', values: Float32Array.of(1, 2) };
  const write =
    (...arrays: [string, HostArray][]) =>
    () =>
      writeSafetensors(arrays);
  assert.throws(write(['a', good], ['a', good]), /tensor 'a': the name is taken/);
  assert.throws(write(['__metadata__', good]), /the name is reserved/);
  assert.throws(write(['a', { ...good, shape: [3] }]), /2 elements do not fill the shape \[3\]/);
  assert.throws(write(['a', { ...good, dtype: 'f16' }]), /values of f16 are a Float32Array, expected a Float16Array/);
  assert.throws(write(['a', { ...good, shape: [-2] }]), /shape is \[-2\]/);
  assert.throws(write(['a', { shape: [1], dtype: 'bool', values: Uint8Array.of(2) }]), /element 0 of bool is 2/);
});

test.run();

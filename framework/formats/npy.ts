// npy: one array as NumPy saves it.
//
//   "\x93NUMPY" | u8 major, u8 minor | u16 (version 1) or u32 (2 and 3) n, little endian | n bytes of a Python dict | the elements
//   {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }        padded with spaces and a line feed, so that elements begin at a multiple of 64
//
// Both byte orders and both element orders are read; written are little endian and row-major, byte for byte what NumPy writes.
// Source: NumPy's documentation, numpy.lib.format.

import type { DType } from '../../kernels/index.ts';
import { denseStrides, type Shape } from '../shape.ts';
import { checkArray, excerpt, FormatError, type HostArray, statedShape } from './array.ts';
import { copied, joined, textIn, viewOf } from './bytes.ts';
import { STORED, type StoredType, swapBytes } from './elements.ts';

const MAGIC = Uint8Array.of(0x93, ...new TextEncoder().encode('NUMPY'));
/** Longest header that is read, in bytes; that of an array of 64 dimensions is under 2000. */
const MAX_HEADER = 2 ** 16;
/** Elements begin at a multiple of this many bytes. */
const ALIGNMENT = 64;

const TYPES: Readonly<Record<string, StoredType>> = {
  f4: 'f32',
  f2: 'f16',
  i4: 'i32',
  u1: 'u8',
  b1: 'bool',
  f8: 'f64',
  i1: 'i8',
  i2: 'i16',
  u2: 'u16',
  u4: 'u32',
  i8: 'i64',
  u8: 'u64',
};
const DESCRIPTIONS: Readonly<Record<DType, string>> = { f32: '<f4', f16: '<f2', i32: '<i4', u8: '|u1', bool: '|b1' };

type Field = string | boolean | readonly number[];

/** One `'key': value` of the dict: the value a text, a truth value, or a tuple. */
const FIELD = /\s*'(\w+)'\s*:\s*(?:'([^'\\]*)'|(True|False)|\(([^()]*)\))\s*(?:,|(?=\}))/y;

/** The whole numbers of a tuple, with or without the L of Python 2. Throws a FormatError where something else is among them. */
function sizesIn(who: string, tuple: string): number[] {
  const sizes = tuple.split(',').map((size) => size.trim());
  if (sizes[sizes.length - 1] === '') sizes.pop();
  if (!sizes.every((size) => /^\d+L?$/.test(size)))
    throw new FormatError(`${who}: the header has the tuple (${excerpt(tuple)}), expected whole numbers`);
  return sizes.map((size) => Number.parseInt(size, 10));
}

/** The dict of a header. Throws a FormatError where it is none, or has a value of another kind. */
function dict(who: string, text: string): Map<string, Field> {
  const fields = new Map<string, Field>();
  FIELD.lastIndex = 1;
  let end = 1;
  for (let match = FIELD.exec(text); match; match = FIELD.exec(text)) {
    const [, key, word, truth, tuple] = match;
    if (fields.has(key)) throw new FormatError(`${who}: the header has the key '${excerpt(key)}' twice, expected once`);
    fields.set(key, word ?? (truth ? truth === 'True' : sizesIn(who, tuple)));
    end = FIELD.lastIndex;
  }
  if (text[0] !== '{' || text.slice(end).trim() !== '}') {
    const structured = /^\s*'descr'\s*:\s*\[/.test(text.slice(end));
    const reason = structured ? 'a structured dtype, which tensors lack; save each field by itself' : 'not the dict that NumPy writes';
    throw new FormatError(`${who}: the header is ${reason}: ${excerpt(JSON.stringify(text.slice(structured ? end : 0).trim()))}`);
  }
  return fields;
}

/** The text of the header and where the elements begin. */
function header(who: string, bytes: Uint8Array): { text: string; begin: number } {
  const cut = (needed: number) => {
    if (bytes.length < needed) throw new FormatError(`${who}: ${bytes.length} bytes, expected ${needed} or more; the file is cut off`);
  };
  if (MAGIC.some((byte, at) => at < bytes.length && bytes[at] !== byte))
    throw new FormatError(`${who}: the file begins with other bytes than "\\x93NUMPY"; is it an .npy file?`);
  cut(12);
  const [major, minor] = [bytes[6], bytes[7]];
  if (major < 1 || major > 3 || minor !== 0) throw new FormatError(`${who}: version ${major}.${minor}, expected 1.0, 2.0 or 3.0`);
  const length = major === 1 ? viewOf(bytes).getUint16(8, true) : viewOf(bytes).getUint32(8, true);
  if (length > MAX_HEADER) throw new FormatError(`${who}: the header claims ${length} bytes, at most ${MAX_HEADER} are read`);
  const from = major === 1 ? 10 : 12;
  cut(from + length);
  return { text: textIn(`${who}: the header`, bytes.subarray(from, from + length)), begin: from + length };
}

/** What a header states, in words of tensors. */
function stated(who: string, text: string) {
  const fields = dict(who, text);
  const [description, fortran] = [fields.get('descr'), fields.get('fortran_order')];
  const type = typeof description === 'string' && /^[<>|]/.test(description) ? description.slice(1) : '';
  if (!Object.hasOwn(TYPES, type)) {
    const known = Object.keys(TYPES).join(', ');
    throw new FormatError(
      `${who}: descr is ${excerpt(JSON.stringify(description))}, expected < or > and one of ${known}; convert it with astype`,
    );
  }
  if (typeof fortran !== 'boolean') throw new FormatError(`${who}: fortran_order is ${fortran ?? 'missing'}, expected True or False`);
  const { shape, elements } = statedShape(who, fields.get('shape'));
  return { stored: STORED[TYPES[type]], bigEndian: (description as string)[0] === '>', fortran, shape, elements };
}

/** Elements whose first axis runs fastest, turned to row-major. */
function rowMajor(values: HostArray['values'], shape: Shape): HostArray['values'] {
  const turned = values.slice();
  const strides = denseStrides(shape.toReversed()).reverse();
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < turned.length; to++) {
    turned[to] = values[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return turned;
}

/** The array of a file, as a copy; types that tensors lack are converted, see elements.ts. Throws a FormatError that begins with `who`. */
export function readNpy(bytes: Uint8Array, who = 'npy'): HostArray {
  const { text, begin } = header(who, bytes);
  const { stored, bigEndian, fortran, shape, elements } = stated(who, text);
  const { dtype, size } = stored;
  const [found, expected] = [bytes.length - begin, elements * size];
  const remedy = found < expected ? 'the file is cut off' : 'save one array a file';
  if (found !== expected)
    throw new FormatError(`${who}: ${found} bytes of elements, but [${shape}] of ${size} bytes each needs ${expected}; ${remedy}`);
  const data = copied(bytes, begin, bytes.length);
  if (bigEndian) swapBytes(data, size);
  const values = stored.read(data, who);
  return { shape, dtype, values: fortran ? rowMajor(values, shape) : values };
}

/** A file of one array: version 1.0, row-major. Throws where the values do not fit the shape. */
export function writeNpy(array: HostArray, who = 'npy'): Uint8Array<ArrayBuffer> {
  checkArray(who, array);
  const { shape, dtype, values } = array;
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${DESCRIPTIONS[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // NumPy leaves room for the first size to grow in place, to 21 digits.
  const room = shape.length ? Math.max(0, 21 - `${shape[0]}`.length) : 0;
  const before = MAGIC.length + 4;
  const length = Math.ceil((before + text.length + room + 1) / ALIGNMENT) * ALIGNMENT - before;
  const encoded = new TextEncoder().encode(`${text.padEnd(length - 1)}\n`);
  return joined([MAGIC, Uint8Array.of(1, 0, length & 255, length >> 8), encoded, values]);
}

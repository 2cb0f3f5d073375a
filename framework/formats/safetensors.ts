// safetensors: named arrays behind a JSON header, the plain format that weights travel in.
//
//   u64 n, little endian | n bytes of JSON, padded with spaces | the arrays' bytes, little endian, row-major, back to back
//   { "__metadata__": { KEY: TEXT, .. }, NAME: { "dtype": "F32", "shape": [2, 3], "data_offsets": [BEGIN, END] }, .. }
//
// Offsets count from the end of the header; together the arrays cover all that follows it, without overlap or gap. Keys must not repeat.
// Source: https://github.com/huggingface/safetensors, "Format".

import type { DType } from '../../kernels/index.ts';
import { checkArray, excerpt, FormatError, type HostArray, statedShape } from './array.ts';
import { copied, joined, textIn, viewOf } from './bytes.ts';
import { STORED, type StoredType } from './elements.ts';
import { flawIn } from './json-text.ts';

export interface Safetensors {
  /** By name, in the order of their bytes. */
  readonly arrays: ReadonlyMap<string, HostArray>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Longest header that is read, in bytes; the reference implementation has the same limit. */
const MAX_HEADER = 100_000_000;
const METADATA = '__metadata__';

const TYPES: Readonly<Record<string, StoredType>> = {
  F32: 'f32',
  F16: 'f16',
  I32: 'i32',
  U8: 'u8',
  BOOL: 'bool',
  BF16: 'bf16',
  F64: 'f64',
  I8: 'i8',
  I16: 'i16',
  U16: 'u16',
  U32: 'u32',
  I64: 'i64',
  U64: 'u64',
};
const NAMES: Readonly<Record<DType, string>> = { f32: 'F32', f16: 'F16', i32: 'I32', u8: 'U8', bool: 'BOOL' };

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The JSON header, and where the arrays' bytes begin. */
function header(bytes: Uint8Array): { entries: Record<string, unknown>; begin: number } {
  if (bytes.length < 8) throw new FormatError(`safetensors: the file has ${bytes.length} bytes, expected 8 or more; it is cut off`);
  const length = viewOf(bytes).getBigUint64(0, true);
  if (length > MAX_HEADER)
    throw new FormatError(`safetensors: the header claims ${length} bytes, at most ${MAX_HEADER} are read; is this a safetensors file?`);
  const begin = 8 + Number(length);
  if (begin > bytes.length)
    throw new FormatError(`safetensors: the header claims ${length} bytes but ${bytes.length - 8} follow; the file is cut off`);
  const text = textIn('safetensors: the header', bytes.subarray(8, begin));
  if (!text.startsWith('{')) throw new FormatError(`safetensors: the header begins with ${JSON.stringify(text.slice(0, 1))}, expected "{"`);
  return { entries: parsed(text), begin };
}

function parsed(text: string): Record<string, unknown> {
  let entries: Record<string, unknown>;
  try {
    entries = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`safetensors: the header is not JSON: ${excerpt((error as Error).message)}; the file is damaged`);
  }
  const flaw = flawIn(text);
  if (flaw) throw new FormatError(`safetensors: the header ${flaw}`);
  return entries;
}

function metadataIn(stated: unknown = {}): Map<string, string> {
  if (!isRecord(stated) || !Object.values(stated).every((value) => typeof value === 'string'))
    throw new FormatError(`safetensors: ${METADATA} is ${excerpt(JSON.stringify(stated))}, expected an object of texts`);
  return new Map(Object.entries(stated) as [string, string][]);
}

/** What the header states of one array. */
interface Entry {
  readonly name: string;
  readonly who: string;
  readonly type: StoredType;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

/** An entry that is sound in itself and lies within `available` bytes. */
function entry(name: string, stated: unknown, available: number): Entry {
  const who = `safetensors: tensor '${excerpt(name)}'`;
  if (!isRecord(stated)) throw new FormatError(`${who} is ${excerpt(JSON.stringify(stated))}, expected dtype, shape and data_offsets`);
  const { dtype, data_offsets: offsets } = stated;
  if (typeof dtype !== 'string' || !Object.hasOwn(TYPES, dtype))
    throw new FormatError(`${who}: dtype is ${excerpt(JSON.stringify(dtype))}, expected one of ${Object.keys(TYPES).join(', ')}`);
  const type = TYPES[dtype];
  const { shape, elements } = statedShape(who, stated.shape);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every((at) => Number.isSafeInteger(at) && at >= 0))
    throw new FormatError(`${who}: data_offsets are ${excerpt(JSON.stringify(offsets))}, expected [begin, end] in bytes`);
  const [from, to] = offsets as [number, number];
  if (to > available) throw new FormatError(`${who} ends at byte ${to} of the data but there are ${available}; the file is cut off`);
  const expected = elements * STORED[type].size;
  if (to - from !== expected)
    throw new FormatError(`${who}: data_offsets [${from}, ${to}] hold ${to - from} bytes, but ${dtype} [${shape}] needs ${expected}`);
  return { name, who, type, shape, from, to };
}

/** Throws a FormatError where arrays overlap, or bytes belong to none. */
function checkCover(entries: readonly Entry[], available: number): void {
  let end = 0;
  for (const { who, from, to } of entries) {
    if (from !== end)
      throw new FormatError(
        `${who} begins at byte ${from} of the data, expected ${end}; ${from < end ? 'tensors overlap' : 'bytes lie between'}`,
      );
    end = to;
  }
  if (end !== available) throw new FormatError(`safetensors: ${available - end} bytes follow the last tensor, expected none`);
}

/** The arrays and the metadata of a file; the arrays are copies. Types that tensors lack are converted, see elements.ts. Throws a FormatError. */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const { entries, begin } = header(bytes);
  const available = bytes.length - begin;
  const found = Object.entries(entries)
    .filter(([name]) => name !== METADATA)
    .map(([name, stated]) => entry(name, stated, available))
    .sort((a, b) => a.from - b.from || a.to - b.to);
  checkCover(found, available);
  const arrays = new Map<string, HostArray>();
  for (const { name, who, type, shape, from, to } of found) {
    const { dtype, read } = STORED[type];
    arrays.set(name, { shape, dtype, values: read(copied(bytes, begin + from, begin + to), who) });
  }
  return { arrays, metadata: metadataIn(entries[METADATA]) };
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * A file of named arrays. The same arrays give the same bytes, whatever their order: wide elements first, then by name, so that each array
 * is aligned to its elements. Throws where a name repeats or is `__metadata__`, or values do not fit their shape.
 */
export function writeSafetensors(
  arrays: Iterable<readonly [string, HostArray]>,
  metadata: Iterable<readonly [string, string]> = [],
): Uint8Array<ArrayBuffer> {
  const sorted = [...arrays].sort(([a, { values: x }], [b, { values: y }]) => y.BYTES_PER_ELEMENT - x.BYTES_PER_ELEMENT || byText(a, b));
  const texts = [...metadata].sort(([a], [b]) => byText(a, b));
  const entries = new Map<string, unknown>(texts.length ? [[METADATA, Object.fromEntries(texts)]] : []);
  let end = 0;
  for (const [name, array] of sorted) {
    const who = `safetensors: tensor '${name}'`;
    checkArray(who, array);
    if (name === METADATA || entries.has(name)) throw new RangeError(`${who}: the name is ${name === METADATA ? 'reserved' : 'taken'}`);
    const begin = end;
    end += array.values.byteLength;
    entries.set(name, { dtype: NAMES[array.dtype], shape: array.shape, data_offsets: [begin, end] });
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const padding = new Uint8Array(-json.length & 7).fill(0x20);
  return joined([BigUint64Array.of(BigInt(json.length + padding.length)), json, padding, ...sorted.map(([, { values }]) => values)]);
}

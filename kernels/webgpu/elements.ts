// Elements in WGSL, for ops over every dtype: loads and stores by flat element index, in the types that arithmetic is done in.
//
//   f32, i32      a word each, or a vec4 where four lie aligned        f16    two to a word, or the adapter's own (see wgsl.ts)
//   u8, bool      four to a u32: one thread writes a whole word, so that no two threads share one

import { type DType, valueTypeOf } from '../dtype.ts';
import type { ValueType } from '../expression.ts';
import type { Traits } from '../kernel.ts';
import { preamble, readable, storageOf, writable } from './wgsl.ts';

/** Elements that a thread computes at once: 4 as a vec4, or 1. */
export type Width = 1 | 4;

export const typeName = (type: ValueType, width: Width): string => (width === 4 ? `vec4<${type}>` : type);

const isByte = (dtype: DType): boolean => dtype === 'u8' || dtype === 'bool';
const isFloat = (dtype: DType): boolean => dtype === 'f32' || dtype === 'f16';

/** The extension that any of `dtypes` needs. */
export const extensions = (dtypes: readonly DType[], traits: Traits): string =>
  dtypes.includes('f16') ? preamble(storageOf('f16', traits)) : '';

/** `load_NAME(e)` in the dtype's value type and, with width 4, `load4_NAME(e)`, e a multiple of 4. */
export function loads(name: string, dtype: DType, width: Width): string {
  const type = valueTypeOf(dtype);
  if (dtype === 'i32') {
    const one = width === 4 ? `${name}[e >> 2u][e & 3u]` : `${name}[e]`;
    return functions(name, type, one, `${name}[e >> 2u]`, width);
  }
  const byte = `(${name}[e >> 2u] >> ((e & 3u) * 8u)) & 255u`;
  const bytes = `(vec4(${name}[e >> 2u]) >> vec4(0u, 8u, 16u, 24u)) & vec4(255u)`;
  return dtype === 'u8'
    ? functions(name, type, `i32(${byte})`, `vec4<i32>(${bytes})`, width)
    : functions(name, type, `(${byte}) != 0u`, `(${bytes}) != vec4(0u)`, width);
}

const functions = (name: string, type: ValueType, one: string, four: string, width: Width): string =>
  `fn load_${name}(e: u32) -> ${type} { return ${one}; }${
    width === 4 ? `\nfn load4_${name}(e: u32) -> vec4<${type}> { return ${four}; }` : ''
  }`;

const elementType = (dtype: DType, width: Width): string => (isByte(dtype) ? 'u32' : width === 4 ? 'vec4<i32>' : 'i32');

/** An operand that is read, with its loads. */
export function source(binding: number, name: string, dtype: DType, width: Width, traits: Traits): string {
  if (isFloat(dtype)) return readable(binding, name, storageOf(dtype, traits), width);
  return `@group(0) @binding(${binding}) var<storage, read> ${name}: array<${elementType(dtype, width)}>;\n${loads(name, dtype, width)}`;
}

/** Elements that one call of `store_NAME` covers: those of one word, or the four of a vec4. */
export const elementsPerStore = (dtype: DType, width: Width, traits: Traits): 1 | 2 | 4 =>
  width === 4 || isByte(dtype) ? 4 : dtype === 'f16' && storageOf(dtype, traits) === 'packed' ? 2 : 1;

/**
 * An operand that is written: `store_NAME(e, value)` of `elementsPerStore` elements from e on, a multiple of it; the value is one element, or as wide a vector.
 */
export function target(binding: number, name: string, dtype: DType, width: Width, traits: Traits): string {
  if (isFloat(dtype)) return writable(binding, name, storageOf(dtype, traits), width).replace('fn store4_', 'fn store_');
  const declaration = `@group(0) @binding(${binding}) var<storage, read_write> ${name}: array<${elementType(dtype, width)}>;`;
  if (dtype === 'i32') {
    const index = width === 4 ? 'e >> 2u' : 'e';
    return `${declaration}\nfn store_${name}(e: u32, value: ${typeName('i32', width)}) { ${name}[${index}] = value; }`;
  }
  const bytes = dtype === 'bool' ? 'select(vec4(0u), vec4(1u), value)' : '(vec4<u32>(value) & vec4(255u))';
  return `${declaration}
fn store_${name}(e: u32, value: vec4<${valueTypeOf(dtype)}>) {
  let bytes = ${bytes} << vec4(0u, 8u, 16u, 24u);
  ${name}[e >> 2u] = bytes.x | bytes.y | bytes.z | bytes.w;
}`;
}

// WGSL fragments that kernels are put together from: operands in storage, arguments, the grid, the reduction of repeats to text.
//
// Every operand is reached through a function by its flat element index, so that a kernel reads the same for every way of storing elements:
//
//   f32      array<f32>, or array<vec4<f32>> where rows are aligned to 4 elements
//   packed   f16 without the feature `shader-f16`: two elements to a u32, by unpack2x16float and pack2x16float, or four to a vec2<u32>
//   f16      array<f16>, or array<vec4<f16>>
//
// Arithmetic is in f32 always.

import type { Entry, Grid, ScalarType, Traits } from '../kernel.ts';
import type { DType } from '../problem.ts';

export type Storage = 'f32' | 'packed' | 'f16';

export const storageOf = (dtype: DType, { features }: Pick<Traits, 'features'>): Storage =>
  dtype === 'f32' ? 'f32' : features.has('shader-f16') ? 'f16' : 'packed';

/** Elements that one store must cover, so that no two threads share a word. */
export const elementsPerWord = (storage: Storage): number => (storage === 'packed' ? 2 : 1);

/** What a module starts with: the extensions its storage needs. */
export const preamble = (storage: Storage): string => (storage === 'f16' ? 'enable f16;\n' : '');

const ELEMENT_TYPE: Record<Storage, Record<1 | 4, string>> = {
  f32: { 1: 'f32', 4: 'vec4<f32>' },
  packed: { 1: 'u32', 4: 'vec2<u32>' },
  f16: { 1: 'f16', 4: 'vec4<f16>' },
};

/**
 * An operand that is read: `load_NAME(e)` gives element e as f32 and, with `width` 4, `load4_NAME(e)` the four from e on, e a multiple of
 * 4.
 */
export const readable = (binding: number, name: string, storage: Storage, width: 1 | 4): string =>
  `@group(0) @binding(${binding}) var<storage, read> ${name}: array<${ELEMENT_TYPE[storage][width]}>;\n${loadsOf(name, storage, width)}`;

/** The loads of a declared operand. */
export function loadsOf(name: string, storage: Storage, width: 1 | 4): string {
  if (width === 1) {
    const element = { f32: `${name}[e]`, packed: `unpack2x16float(${name}[e >> 1u])[e & 1u]`, f16: `f32(${name}[e])` }[storage];
    return `fn load_${name}(e: u32) -> f32 { return ${element}; }`;
  }
  const quad = {
    f32: `${name}[e >> 2u]`,
    packed: `vec4(unpack2x16float(${name}[e >> 2u].x), unpack2x16float(${name}[e >> 2u].y))`,
    f16: `vec4<f32>(${name}[e >> 2u])`,
  }[storage];
  const element = {
    f32: `${name}[e >> 2u][e & 3u]`,
    packed: `unpack2x16float(${name}[e >> 2u][(e >> 1u) & 1u])[e & 1u]`,
    f16: `f32(${name}[e >> 2u][e & 3u])`,
  }[storage];
  return `fn load_${name}(e: u32) -> f32 { return ${element}; }
fn load4_${name}(e: u32) -> vec4<f32> { return ${quad}; }`;
}

/**
 * An operand that is written: `store_NAME(e, value)` for single elements, or for the two of a word (`vec2<f32>`, e even) where elements are
 * packed; with `width` 4 `store4_NAME(e, vec4<f32>)` instead, e a multiple of 4.
 */
export function writable(binding: number, name: string, storage: Storage, width: 1 | 4): string {
  const declaration = `@group(0) @binding(${binding}) var<storage, read_write> ${name}: array<${ELEMENT_TYPE[storage][width]}>;`;
  const body = {
    f32: { 1: `${name}[e] = value;`, 4: `${name}[e >> 2u] = value;` },
    packed: {
      1: `${name}[e >> 1u] = pack2x16float(value);`,
      4: `${name}[e >> 2u] = vec2(pack2x16float(value.xy), pack2x16float(value.zw));`,
    },
    f16: { 1: `${name}[e] = f16(value);`, 4: `${name}[e >> 2u] = vec4<f16>(value);` },
  }[storage][width];
  const type = width === 4 ? 'vec4<f32>' : storage === 'packed' ? 'vec2<f32>' : 'f32';
  return `${declaration}\nfn store${width === 4 ? '4' : ''}_${name}(e: u32, value: ${type}) { ${body} }`;
}

/** The uniform block of an entry's arguments, as `args.NAME`. */
export function argumentBlock(binding: number, { arguments: parameters }: Entry, name = 'args'): string {
  const type = `Block_${name}`;
  return `struct ${type} { ${parameters.map((parameter) => `${parameter.name}: ${parameter.type}`).join(', ')} }
@group(0) @binding(${binding}) var<uniform> ${name}: ${type};`;
}

/** Parameters of one type by their names. */
export const parameters = (type: ScalarType, ...names: string[]): Entry['arguments'] => names.map((name) => ({ name, type }));

/** Workgroups in a row of the grid. One number counts all workgroups, because a grid has at most 65535 in each direction. */
const ROW_OF_WORKGROUPS = 32768;

/** A grid of at least `count` workgroups; those beyond `count` must return at once. */
export const linearGrid = (count: number): Grid => [Math.min(count, ROW_OF_WORKGROUPS), Math.ceil(count / ROW_OF_WORKGROUPS), 1];

/** The number of this workgroup in a linear grid, from `@builtin(workgroup_id) group`. */
export const WORKGROUP_NUMBER = `group.y * ${ROW_OF_WORKGROUPS}u + group.x`;

/** `count` copies of a text, each on a line, from its index. */
export const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n');

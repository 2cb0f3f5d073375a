// What all matmul kernels of this device share: alignment classes, what cannot be done, operands, epilogue, indices.

import type { Entry, Traits, Tunables } from '../../kernel.ts';
import { matmulVariant } from '../../matmul.ts';
import { bytesPerElement, type MatmulProblem, matmulOperands } from '../../problem.ts';
import { argumentBlock, loadsOf, preamble, readable, type Storage, storageOf, WORKGROUP_NUMBER, writable } from '../wgsl.ts';

/** Which operands have rows of a whole number of quads, so that four elements are loaded or stored at once. */
export interface Alignment {
  readonly A: boolean;
  readonly B: boolean;
  readonly C: boolean;
}

/** Dense batches start where the matrix before ends, so aligned rows make aligned matrices. */
export const alignment = ({ m, n, k, transposeA, transposeB }: MatmulProblem): Alignment => ({
  A: (transposeA ? m : k) % 4 === 0,
  B: (transposeB ? k : n) % 4 === 0,
  C: n % 4 === 0,
});

/** The variant with its alignment class: `nn/f32/ABC`, a letter for each aligned operand. */
export function alignedVariant(problem: MatmulProblem): string {
  const aligned = alignment(problem);
  const letters = (['A', 'B', 'C'] as const).filter((name) => aligned[name]).join('');
  return `${matmulVariant(problem)}/${letters || 'unaligned'}`;
}

/** Why an operand cannot be bound on a device with these traits. */
export function tooLarge(problem: MatmulProblem, { limits }: Traits): string | undefined {
  const most = limits.maxStorageBufferBindingSize;
  for (const [name, elements] of Object.entries(matmulOperands(problem))) {
    const bytes = elements * bytesPerElement(problem.dtype);
    if (bytes > most) return `operand ${name} has ${bytes} bytes, more than the ${most} that can be bound`;
  }
  return undefined;
}

/** Why rows of C cannot be written two elements at a time, where f16 elements are packed in words. */
export const oddRows = ({ n, dtype }: MatmulProblem, traits: Traits): string | undefined =>
  storageOf(dtype, traits) === 'packed' && n % 2 !== 0
    ? `rows of ${n} f16 elements share words, and the device lacks shader-f16; naive and splitk can do it`
    : undefined;

/** Buffers of a matmul entry in binding order. */
export const operandBuffers = ({ epilogue }: MatmulProblem): Entry['buffers'] => [
  { name: 'A', access: 'read' },
  { name: 'B', access: 'read' },
  ...(epilogue.bias ? [{ name: 'bias', access: 'read' } as const] : []),
  { name: 'C', access: 'write' },
];

/** Names of the operands of a matmul pass, in the order of `operandBuffers`. */
export const operandNames = (problem: MatmulProblem): string[] => operandBuffers(problem).map(({ name }) => name);

/** Declarations of A, B, bias, C and `args`, each operand in quads where `quads` says so; with loads of C where a product is added to it. */
export function operands({ accumulate }: MatmulProblem, storage: Storage, entry: Entry, quads: Alignment): string {
  const width = (name: string) => (quads[name as keyof Alignment] ? 4 : 1);
  return [
    preamble(storage),
    ...entry.buffers.map(({ name, access }, binding) => (access === 'read' ? readable : writable)(binding, name, storage, width(name))),
    argumentBlock(entry.buffers.length, entry),
    ...(accumulate ? [loadsOf('C', storage, width('C'))] : []),
  ].join('\n');
}

/**
 * `epilogue(sum, column)`: what is stored for a sum of products. A NaN stays a NaN on its way through ReLU, as far as the device keeps NaNs
 * at all.
 */
export function epilogue({ epilogue: { bias, relu } }: MatmulProblem, block = 'args'): string {
  return `fn epilogue(sum: f32, column: u32) -> f32 {
  let value = ${block}.alpha * sum${bias ? ' + load_bias(column)' : ''};
  return ${relu ? 'select(value, 0.0, value < 0.0)' : 'value'};
}`;
}

/** What is stored in element `e` of C: `value`, a term of one element, or that and what is there. */
export const stored = ({ accumulate }: MatmulProblem, e: string, value: string): string => (accumulate ? `load_C(${e}) + ${value}` : value);

/** The flat index of op(A)[row, p] in a matrix that starts at `base`; the same for op(B)[p, column]. Terms in WGSL. */
export const indexA = ({ transposeA }: MatmulProblem, base: string, row: string, p: string): string =>
  transposeA ? `${base} + (${p}) * args.m + ${row}` : `${base} + (${row}) * args.k + ${p}`;

export const indexB = ({ transposeB }: MatmulProblem, base: string, p: string, column: string): string =>
  transposeB ? `${base} + (${column}) * args.k + ${p}` : `${base} + (${p}) * args.n + ${column}`;

/**
 * Which tile of which matrix a workgroup has: `tile_row`, `tile_column`, `matrix` and the elements `base_A`, `base_B`, `base_C` where its
 * matrices start.
 *
 * Expects `group` (workgroup id) and the arguments m, n, k and `tiles`, the number of workgroups that have work. `layer` counts matrices of
 * tiles; `matrices` says which of its matrices each operand takes for a layer.
 */
export const tilePlace = (
  height: number,
  width: number,
  matrices: Readonly<Record<'A' | 'B' | 'C', string>> = { A: 'layer', B: 'layer', C: 'layer' },
): string => `let tile = ${WORKGROUP_NUMBER};
if (tile >= args.tiles) { return; }
let across = (args.n + ${width - 1}) / ${width};
let down = (args.m + ${height - 1}) / ${height};
let tile_row = tile / across % down * ${height};
let tile_column = tile % across * ${width};
let layer = tile / (across * down);
let base_A = (${matrices.A}) * args.m * args.k;
let base_B = (${matrices.B}) * args.k * args.n;
let base_C = (${matrices.C}) * args.m * args.n;`;

/** Tiles of that size that cover C, over all matrices of the batch. */
export const tileCount = ({ m, n, batch }: MatmulProblem, height: number, width: number): number =>
  batch * Math.ceil(m / height) * Math.ceil(n / width);

/** Tunables in words, for labels. */
export const knobList = (tunables: Tunables): string =>
  Object.entries(tunables)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

// Register blocks for the products of matrices that a convolution comes down to: what pointwise and Winograd have in common.

import type { Entry, Traits, Tunables } from '../../kernel.ts';
import type { MatmulProblem } from '../../problem.ts';
import { blockDeclarations, type Sides, sidesOf } from '../matmul/block.ts';
import { alignment, tileCount } from '../matmul/variant.ts';
import { argumentBlock, readable, writable } from '../wgsl.ts';

export const PRODUCT_TUNABLES = {
  WGX: [8, 16, 4],
  WGY: [8, 16, 4],
  TM: [4, 8, 16],
  TN: [4, 8],
  BK: [16, 8],
  KU: [4, 1],
  /** Whether both matrices are staged in workgroup memory; whether quads of threads share rows instead. */
  STAGE: [1, 0],
  QUAD: [0, 1],
};

export const PRODUCT_CONSTRAINTS = [
  '16 <= WGX * WGY <= min(maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX)',
  'TM * TN + TM + TN <= 96 + 224 * softwareAdapter',
  '16 <= WGY * TM <= 128 and 16 <= WGX * TN <= 128',
  'STAGE == 1 or BK == 16',
  // A staged piece of either lies along p or across it; the larger of both ways.
  'STAGE * 4 * (BK * (WGY * TM + WGX * TN + 8) + 4 * (WGY * TM + WGX * TN)) <= maxComputeWorkgroupStorageSize',
  'QUAD == 0 or STAGE == 0 and subgroupMinSize >= 4',
];

/** The knobs of `matmul/block.ts`. */
export const blockKnobs = ({ STAGE, ...knobs }: Tunables): Tunables => ({ ...knobs, SA: STAGE, SB: STAGE, PAD: 4 * STAGE });

/** Tall blocks shared by quads of threads on software; on a GPU a staged tile whose size grows with the result. */
export function defaultBlock(product: MatmulProblem, { limits }: Traits): Tunables {
  const small = { WGX: 8, WGY: 8, TM: 4, TN: 4, BK: 8, KU: 4, STAGE: 1, QUAD: 0 };
  if (!limits.softwareAdapter) return tileCount(product, 64, 64) >= 256 ? { ...small, WGX: 16, WGY: 16, BK: 16 } : small;
  const QUAD = Number(limits.subgroupMinSize >= 4);
  return { WGX: 4, WGY: 4, TM: QUAD === 1 && product.m > 32 ? 16 : 8, TN: 8, BK: 16, KU: 4, STAGE: 0, QUAD };
}

/** Declarations of A, B and C for an entry with these buffers first, and the sides of its blocks. */
export function productOperands(product: MatmulProblem, tunables: Tunables, entry: Entry): { both: Sides; quads: boolean; code: string } {
  const aligned = alignment(product);
  const knobs = blockKnobs(tunables);
  const both = sidesOf(product, knobs, aligned);
  const code = `${readable(0, 'A', 'f32', aligned.A ? 4 : 1)}
${readable(1, 'B', 'f32', aligned.B ? 4 : 1)}
${writable(entry.buffers.length - 1, 'C', 'f32', aligned.C ? 4 : 1)}
${argumentBlock(entry.buffers.length, entry)}
${blockDeclarations(both, knobs)}`;
  return { both, quads: aligned.C, code };
}

// C[b] = epilogue(alpha · op(A[b]) · op(B[b])), summed in registers, with rows of A handed round within quads of threads.
//
//      row 0 ─ thread 0 ─┐
//      row 1 ─ thread 1 ─┤ quadBroadcast     Four threads side by side have different columns but the same rows. Each loads every fourth
//      row 2 ─ thread 2 ─┤ ─▶ all four       row of A only, and the quad hands the values round from register to register: TM / 4 + TN
//      row 3 ─ thread 3 ─┘                   loads for TM·TN multiply-adds, where `register` takes TM + TN, and no barriers.
//
// Needs the feature `subgroups`, and threads that are numbered in subgroups as in the workgroup; that is why workgroups are declared in one
// dimension (in two, some hosts make quads of 2×2). What it gains depends on the price of a load: on SwiftShader, which gathers element by
// element, it is by far the fastest; on GPUs workgroup memory may win (microsoft/onnxruntime#31703).

import type { Kernel, Traits, Tunables } from '../../kernel.ts';
import { matmulCost, matmulFacts } from '../../matmul.ts';
import type { MatmulProblem } from '../../problem.ts';
import { roughSeconds } from './estimate.ts';
import { blockPlan, blockSource } from './register.ts';
import { alignedVariant, oddRows, tileCount, tooLarge } from './variant.ts';

export const subgroup: Kernel<MatmulProblem> = {
  name: 'subgroup',
  op: 'matmul',
  device: 'webgpu',
  summary: 'register blocks whose rows of A are shared within quads of threads',
  requires: ['subgroups'],
  tunables: { WGX: [4, 8, 16], WGY: [4, 2, 8, 16], TM: [16, 8, 4, 32], TN: [8, 4, 2], KU: [4, 1] },
  constraints: [
    '16 <= WGX * WGY <= min(maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX)',
    'TM * TN + TM + TN <= 160 + 160 * softwareAdapter',
  ],
  deterministic: true,
  facts: matmulFacts,
  rejects: (problem, traits) => tooLarge(problem, traits) ?? oddRows(problem, traits),
  defaults,
  cost: matmulCost,
  estimate(problem, traits) {
    const { WGX, WGY, TM, TN } = defaults(problem, traits);
    const groups = tileCount(problem, WGY * TM, WGX * TN);
    return roughSeconds(problem, traits, { software: 11e9, hardware: 4000e9, outputsPerGroup: WGX * WGY * TM * TN, groups });
  },
  variant: alignedVariant,
  generate: (problem, tunables, traits) => blockSource('subgroup', problem, { ...tunables, BK: 16, SA: 0, SB: 0, PAD: 0, QUAD: 1 }, traits),
  plan: blockPlan,
};

function defaults({ m }: MatmulProblem, { limits }: Traits): Tunables {
  if (!limits.softwareAdapter) return { WGX: 8, WGY: 8, TM: 8, TN: 4, KU: 4 };
  return { WGX: 4, WGY: 4, TM: m > 64 ? 16 : 8, TN: 8, KU: 4 };
}

// C[b] = epilogue(alpha · op(A[b]) · op(B[b])), summed in registers.
//
//             n
//        ┌─────────────┐    A workgroup has a tile of WGY·TM rows and WGX·TN columns, a thread a block of TM×TN in registers
//        │   ┌──┬──┐   │    (`block.ts`). Each step of K takes TM + TN loads for TM·TN multiply-adds: the larger the block,
//     m  │   ├──┼──┤   │    the fewer loads, until the registers run out.
//        │   └──┴──┘   │
//        └─────────────┘    With SA or SB the workgroup first stages a piece BK deep of A or B in its own memory, so that each
//                           element crosses from memory once per tile instead of once per block.
//
// Register tiling with vector loads and staging as in CLBlast (Nugteren, IWOCL 2018) and S. Boehm's "How to optimize a CUDA matmul kernel"
// (2022); the space of tunables follows ggml-org/llama.cpp#22241. On a software adapter barriers and staging cost more than they save.

import type { Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { matmulCost, matmulFacts } from '../../matmul.ts';
import type { MatmulProblem } from '../../problem.ts';
import { linearGrid, parameters, storageOf } from '../wgsl.ts';
import { accumulate, blockDeclarations, sidesOf, storeBlock } from './block.ts';
import { roughSeconds } from './estimate.ts';
import {
  alignedVariant,
  alignment,
  epilogue,
  knobList,
  oddRows,
  operandBuffers,
  operandNames,
  operands,
  tileCount,
  tilePlace,
  tooLarge,
} from './variant.ts';

export const BLOCK_TUNABLES = {
  /** Threads along N and M. */
  WGX: [8, 4, 16, 32],
  WGY: [8, 4, 16, 32],
  /** Rows and columns of a thread. */
  TM: [4, 8, 2, 16],
  TN: [4, 8, 2, 16],
  /** Depth of a staged piece. */
  BK: [16, 8, 32, 64],
  /** Steps of K that are unrolled. */
  KU: [4, 1, 8],
  /** Whether A and B are staged in workgroup memory. */
  SA: [1, 0],
  SB: [1, 0],
  /** Words between the lines of a staged piece, against bank conflicts. */
  PAD: [0, 4],
};

export const BLOCK_CONSTRAINTS = [
  '16 <= WGX * WGY <= min(maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX)',
  '16 <= WGY * TM <= 256 and 16 <= WGX * TN <= 256',
  'TM * TN >= 4 and TM * TN + TM + TN <= 96',
  'BK % KU == 0',
  'SA + SB > 0 or BK == 16 and PAD == 0',
  `4 * (SA * (BK * WGY * TM + PAD * (transposeA * BK + (1 - transposeA) * WGY * TM))
    + SB * (BK * WGX * TN + PAD * (transposeB * WGX * TN + (1 - transposeB) * BK))) <= maxComputeWorkgroupStorageSize`,
];

/** Large blocks without staging on software; on a GPU a staged tile whose size grows with C, so that small ones still fill it. */
export function blockDefaults({ m, n, batch }: MatmulProblem, { limits }: Traits): Tunables {
  if (limits.softwareAdapter) return { WGX: 4, WGY: 4, TM: 8, TN: 8, BK: 16, KU: 4, SA: 0, SB: 0, PAD: 0 };
  const tiles = batch * Math.ceil(m / 64) * Math.ceil(n / 64);
  return tiles >= 256
    ? { WGX: 16, WGY: 16, TM: 4, TN: 4, BK: 16, KU: 4, SA: 1, SB: 1, PAD: 4 }
    : { WGX: 8, WGY: 8, TM: 4, TN: 4, BK: 8, KU: 4, SA: 1, SB: 1, PAD: 4 };
}

export const register: Kernel<MatmulProblem> = {
  name: 'register',
  op: 'matmul',
  device: 'webgpu',
  summary: 'register blocks with vec4 loads, with or without staging in workgroup memory',
  requires: [],
  tunables: BLOCK_TUNABLES,
  constraints: BLOCK_CONSTRAINTS,
  deterministic: true,
  facts: matmulFacts,
  rejects: (problem, traits) => tooLarge(problem, traits) ?? oddRows(problem, traits),
  defaults: blockDefaults,
  cost: matmulCost,
  estimate(problem, traits) {
    const { WGX, WGY, TM, TN } = blockDefaults(problem, traits);
    return roughSeconds(problem, traits, {
      software: 7e9,
      hardware: 6000e9,
      outputsPerGroup: WGX * WGY * TM * TN,
      groups: tileCount(problem, WGY * TM, WGX * TN),
    });
  },
  variant: alignedVariant,

  generate: (problem, tunables, traits) => blockSource('register', problem, tunables, traits),
  plan: blockPlan,
};

/** The module of a kernel of one pass over blocks; `knobs` are those of `block.ts`. */
export function blockSource(name: string, problem: MatmulProblem, knobs: Tunables, traits: Traits): Source {
  const { WGX, WGY, TM, TN, QUAD } = knobs;
  const storage = storageOf(problem.dtype, traits);
  const aligned = { ...alignment(problem), C: alignment(problem).C && TN % 4 === 0 };
  const both = sidesOf(problem, knobs, aligned);
  const entry = {
    buffers: operandBuffers(problem),
    arguments: [...parameters('u32', 'm', 'n', 'k', 'tiles'), ...parameters('f32', 'alpha')],
  };
  const code = `${QUAD ? 'enable subgroups;\n' : ''}${operands(problem, storage, entry, aligned)}
${epilogue(problem)}
${blockDeclarations(both, knobs)}

@compute @workgroup_size(${WGX * WGY})
fn matmul(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
${tilePlace(WGY * TM, WGX * TN)}
${accumulate(both, knobs, '0u', 'args.k')}
${storeBlock('C', storage, knobs, aligned.C, undefined, problem.accumulate)}
}
`;
  return { label: `matmul/${name}/${alignedVariant(problem)} ${knobList(knobs)}`, code, entries: { matmul: entry } };
}

export function blockPlan(problem: MatmulProblem, { WGX, WGY, TM, TN }: Tunables): Plan {
  const { m, n, k, alpha } = problem;
  const tiles = tileCount(problem, WGY * TM, WGX * TN);
  return {
    passes: [{ entry: 'matmul', buffers: operandNames(problem), arguments: [m, n, k, tiles, alpha], grid: linearGrid(tiles) }],
    workspace: {},
  };
}

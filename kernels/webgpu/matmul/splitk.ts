// C[b] = epilogue(alpha · op(A[b]) · op(B[b])), with K cut into slices.
//
//        K: ├─ slice 0 ─┼─ slice 1 ─┼─ … ─┤    Pass 1: every slice of K gives a partial result of its own, block by block as in `register`,
//               │           │                  in f32. Pass 2 adds the slices up in order, applies the epilogue and stores words of C.
//               ▼           ▼
//            partial 0 + partial 1 + …  ─▶ C   SPLIT times as many workgroups: where C is small and K is long, that fills the device.
//
// Split-K as in CUTLASS. The sum has a fixed order, so results repeat bit by bit; atomic additions would not (and WGSL has none for f32).
// Pass 2 goes over flat words, so this kernel also stores f16 rows of odd length.

import type { Entry, Kernel, Source, Traits, Tunables } from '../../kernel.ts';
import { matmulCost, matmulFacts } from '../../matmul.ts';
import type { MatmulProblem } from '../../problem.ts';
import {
  argumentBlock,
  elementsPerWord,
  linearGrid,
  loadsOf,
  parameters,
  preamble,
  readable,
  type Storage,
  storageOf,
  WORKGROUP_NUMBER,
  writable,
} from '../wgsl.ts';
import { accumulate, blockDeclarations, sidesOf, storeBlock } from './block.ts';
import { roughSeconds } from './estimate.ts';
import { alignedVariant, alignment, epilogue, knobList, stored, tileCount, tilePlace, tooLarge } from './variant.ts';

const REDUCE_THREADS = 64;

export const splitk: Kernel<MatmulProblem> = {
  name: 'splitk',
  op: 'matmul',
  device: 'webgpu',
  summary: 'register blocks over slices of K, added up in a second pass',
  requires: [],
  tunables: { SPLIT: [4, 2, 8, 16], WGX: [8, 4, 16], WGY: [8, 4, 16], TM: [4, 8], TN: [4, 8], STAGE: [1, 0] },
  constraints: [
    '16 <= WGX * WGY <= min(maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX)',
    'STAGE * 80 * (WGY * TM + WGX * TN) <= maxComputeWorkgroupStorageSize',
    '4 * SPLIT * batch * M * N <= maxStorageBufferBindingSize',
  ],
  deterministic: true,
  facts: matmulFacts,
  rejects: tooLarge,
  defaults: (problem, traits) => ({ SPLIT: usefulSplit(problem, traits), ...defaultBlock(traits) }),
  cost(problem, { SPLIT }) {
    const cost = matmulCost(problem);
    return { ...cost, executedFlops: cost.flops + problem.batch * problem.m * problem.n * SPLIT };
  },
  estimate(problem, traits) {
    const { WGX, WGY, TM, TN } = defaultBlock(traits);
    const groups = tileCount(problem, WGY * TM, WGX * TN) * usefulSplit(problem, traits);
    return roughSeconds(problem, traits, {
      software: 6e9,
      hardware: 4500e9,
      outputsPerGroup: (WGX * WGY * TM * TN) / usefulSplit(problem, traits),
      groups,
      passes: 2,
    });
  },
  variant: alignedVariant,
  generate,

  plan(problem, tunables, traits) {
    const { batch, m, n, k, alpha, dtype, epilogue } = problem;
    const { SPLIT, WGX, WGY, TM, TN } = tunables;
    const elements = batch * m * n;
    const words = Math.ceil(elements / elementsPerWord(storageOf(dtype, traits)));
    const tiles = SPLIT * tileCount(problem, WGY * TM, WGX * TN);
    // Slices of whole pieces keep quads of K together.
    const slice = Math.ceil(k / SPLIT / BLOCK_DEPTH) * BLOCK_DEPTH;
    return {
      passes: [
        { entry: 'multiply', buffers: ['A', 'B', 'slices'], arguments: [m, n, k, tiles, batch, slice], grid: linearGrid(tiles) },
        {
          entry: 'reduce',
          buffers: ['slices', ...(epilogue.bias ? ['bias'] : []), 'C'],
          arguments: [n, elements, words, alpha],
          grid: linearGrid(Math.ceil(words / REDUCE_THREADS)),
        },
      ],
      workspace: { slices: 4 * SPLIT * elements },
    };
  },
};

/** Depth of a staged piece. */
const BLOCK_DEPTH = 16;

const defaultBlock = ({ limits }: Traits): Tunables =>
  limits.softwareAdapter ? { WGX: 4, WGY: 4, TM: 8, TN: 8, STAGE: 0 } : { WGX: 8, WGY: 8, TM: 4, TN: 4, STAGE: 1 };

/** Slices that still leave each some hundred steps, and no more than fill the device. */
function usefulSplit(problem: MatmulProblem, traits: Traits): number {
  const { WGX, WGY, TM, TN } = defaultBlock(traits);
  const wanted = (traits.limits.softwareAdapter ? 8 : 256) / tileCount(problem, WGY * TM, WGX * TN);
  return [16, 8, 4].find((split) => split <= wanted && problem.k >= 64 * split) ?? 2;
}

function generate(problem: MatmulProblem, tunables: Tunables, traits: Traits): Source {
  const { STAGE, WGX, WGY, TM, TN } = tunables;
  const block = { WGX, WGY, TM, TN, BK: BLOCK_DEPTH, KU: 4, SA: STAGE, SB: STAGE, PAD: 4 * STAGE };
  const aligned = alignment(problem);
  const both = sidesOf(problem, block, aligned);
  const storage = storageOf(problem.dtype, traits);
  const multiply: Entry = {
    buffers: [
      { name: 'A', access: 'read' },
      { name: 'B', access: 'read' },
      { name: 'slices', access: 'write' },
    ],
    arguments: parameters('u32', 'm', 'n', 'k', 'tiles', 'batch', 'slice'),
  };
  const code = `${preamble(storage)}
${readable(0, 'A', storage, aligned.A ? 4 : 1)}
${readable(1, 'B', storage, aligned.B ? 4 : 1)}
${writable(2, 'slices', 'f32', aligned.C ? 4 : 1)}
${argumentBlock(3, multiply)}
${blockDeclarations(both, block)}

@compute @workgroup_size(${WGX * WGY})
fn multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
${tilePlace(WGY * TM, WGX * TN, { A: 'layer % args.batch', B: 'layer % args.batch', C: 'layer' })}
let first = min(layer / args.batch * args.slice, args.k);
let last = min(first + args.slice, args.k);
${accumulate(both, block, 'first', 'last')}
${storeBlock('slices', 'f32', block, aligned.C, (sum) => sum)}
}
`;
  const reduce = reduceEntry(problem);
  return {
    label: `matmul/splitk/${alignedVariant(problem)} ${knobList(tunables)}`,
    code: code + reduceCode(problem, reduce, tunables.SPLIT, storage),
    entries: { multiply, reduce },
  };
}

const reduceEntry = ({ epilogue }: MatmulProblem): Entry => ({
  buffers: [
    { name: 'slices', access: 'read' },
    ...(epilogue.bias ? [{ name: 'bias', access: 'read' } as const] : []),
    { name: 'C', access: 'write' },
  ],
  arguments: [...parameters('u32', 'n', 'elements', 'words'), ...parameters('f32', 'alpha')],
});

/** One thread adds up one word of C over the slices. */
function reduceCode(problem: MatmulProblem, entry: Entry, split: number, storage: Storage): string {
  const { bias } = problem.epilogue;
  const each = elementsPerWord(storage);
  return `
${readable(0, 'summands', 'f32', 1)}
${bias ? readable(1, 'bias', storage, 1) : ''}
${writable(bias ? 2 : 1, 'C', storage, 1)}${problem.accumulate ? `\n${loadsOf('C', storage, 1)}` : ''}
${argumentBlock(bias ? 3 : 2, entry, 'reduction')}
${epilogue(problem, 'reduction')}

fn element(e: u32) -> f32 {
  if (e >= reduction.elements) { return 0.0; }
  var sum = 0.0;
  for (var slice = 0u; slice < ${split}; slice++) { sum += load_summands(slice * reduction.elements + e); }
  return ${stored(problem, 'e', 'epilogue(sum, e % reduction.n)')};
}

@compute @workgroup_size(${REDUCE_THREADS})
fn reduce(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let word = (${WORKGROUP_NUMBER}) * ${REDUCE_THREADS} + lane;
  if (word >= reduction.words) { return; }
  store_C(word * ${each}, ${each === 1 ? 'element(word)' : 'vec2(element(word * 2), element(word * 2 + 1))'});
}
`;
}

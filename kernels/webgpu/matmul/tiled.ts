// C[b] = epilogue(alpha · op(A[b]) · op(B[b])), through tiles in workgroup memory.
//
//          TS        TS         The workgroup copies a TS×TS tile of op(A) and one of op(B) into its own memory, then every thread
//        ┌────┐    ┌────┐       multiplies a row of the one by a column of the other, and so on along K: each element crosses from
//     TS │ A  │ TS │ B  │       memory once per tile, not once per thread. One thread has one element of C, or the two of a word
//        └────┘    └────┘       where f16 elements are packed; its tile of B is then twice as wide.
//
// The textbook kernel (CUDA C++ Programming Guide, "Shared Memory"): better than naive on a GPU, and what `register` is to be compared
// with.

import type { Kernel } from '../../kernel.ts';
import { matmulCost, matmulFacts, matmulVariant } from '../../matmul.ts';
import type { MatmulProblem } from '../../problem.ts';
import { elementsPerWord, linearGrid, lines, parameters, storageOf } from '../wgsl.ts';
import { roughSeconds } from './estimate.ts';
import {
  epilogue,
  indexA,
  indexB,
  oddRows,
  operandBuffers,
  operandNames,
  operands,
  stored,
  tileCount,
  tilePlace,
  tooLarge,
} from './variant.ts';

export const tiled: Kernel<MatmulProblem> = {
  name: 'tiled',
  op: 'matmul',
  device: 'webgpu',
  summary: 'one thread per element, tiles staged in workgroup memory',
  requires: [],
  tunables: { TS: [16, 8] },
  constraints: ['TS * TS <= maxComputeInvocationsPerWorkgroup', '12 * TS * TS <= maxComputeWorkgroupStorageSize'],
  deterministic: true,
  facts: matmulFacts,
  rejects: (problem, traits) => tooLarge(problem, traits) ?? oddRows(problem, traits),
  defaults: () => ({ TS: 16 }),
  cost: matmulCost,
  estimate: (problem, traits) => roughSeconds(problem, traits, { software: 0.3e9, hardware: 1500e9, outputsPerGroup: 256 }),
  variant: matmulVariant,

  generate(problem, { TS }, traits) {
    const storage = storageOf(problem.dtype, traits);
    const each = elementsPerWord(storage);
    const width = TS * each;
    const entry = {
      buffers: operandBuffers(problem),
      arguments: [...parameters('u32', 'm', 'n', 'k', 'tiles'), ...parameters('f32', 'alpha')],
    };
    const value = (c: number) => `epilogue(sum_${c}, column + ${c})`;
    const code = `${operands(problem, storage, entry, { A: false, B: false, C: false })}
${epilogue(problem)}

var<workgroup> piece_A: array<f32, ${TS * TS}>;
var<workgroup> piece_B: array<f32, ${TS * width}>;

@compute @workgroup_size(${TS}, ${TS})
fn matmul(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
${tilePlace(TS, width)}
let row = tile_row + thread.y;
let column = tile_column + thread.x * ${each};
let safe_row = min(row, args.m - 1);
${lines(each, (c) => `var sum_${c} = 0.0;`)}
for (var piece = 0u; piece < args.k; piece += ${TS}) {
  let p_A = min(piece + thread.x, args.k - 1);
  let p_B = min(piece + thread.y, args.k - 1);
  piece_A[thread.y * ${TS} + thread.x] = load_A(${indexA(problem, 'base_A', 'safe_row', 'p_A')});
${lines(each, (c) => {
  const safeColumn = `min(tile_column + thread.x + ${c * TS}, args.n - 1)`;
  return `  piece_B[thread.y * ${width} + thread.x + ${c * TS}] = load_B(${indexB(problem, 'base_B', 'p_B', safeColumn)});`;
})}
  workgroupBarrier();
  let depth = min(${TS}, args.k - piece);
  for (var step = 0u; step < depth; step++) {
    let a = piece_A[thread.y * ${TS} + step];
${lines(each, (c) => `    sum_${c} = fma(a, piece_B[step * ${width} + thread.x * ${each} + ${c}], sum_${c});`)}
  }
  workgroupBarrier();
}
if (row >= args.m || column >= args.n) { return; }
store_C(base_C + row * args.n + column, ${each === 1 ? stored(problem, 'base_C + row * args.n + column', value(0)) : `vec2(${value(0)}, ${value(1)})`});
}
`;
    return { label: `matmul/tiled/${matmulVariant(problem)} TS=${TS}`, code, entries: { matmul: entry } };
  },

  plan(problem, { TS }, traits) {
    const { m, n, k, alpha, dtype } = problem;
    const tiles = tileCount(problem, TS, TS * elementsPerWord(storageOf(dtype, traits)));
    return {
      passes: [{ entry: 'matmul', buffers: operandNames(problem), arguments: [m, n, k, tiles, alpha], grid: linearGrid(tiles) }],
      workspace: {},
    };
  },
};

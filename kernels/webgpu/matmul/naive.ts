// C[b] = epilogue(alpha · op(A[b]) · op(B[b])), the way people first write it.
//
//             n
//        ┌─────────┐      One thread for each element of C (for each word of C, where two f16 share one): a row of op(A)
//     m  │  ▪      │      times a column of op(B), straight from memory. Neighbouring threads share rows and columns
//        └─────────┘      only by the grace of the caches.
//
// The baseline that every other kernel has to beat, and the fallback that can do everything.

import type { Kernel } from '../../kernel.ts';
import { matmulCost, matmulFacts, matmulVariant } from '../../matmul.ts';
import type { MatmulProblem } from '../../problem.ts';
import { elementsPerWord, linearGrid, parameters, storageOf, WORKGROUP_NUMBER } from '../wgsl.ts';
import { roughSeconds } from './estimate.ts';
import { epilogue, indexA, indexB, operandBuffers, operandNames, operands, stored, tooLarge } from './variant.ts';

export const naive: Kernel<MatmulProblem> = {
  name: 'naive',
  op: 'matmul',
  device: 'webgpu',
  summary: 'one thread per element, straight from memory',
  requires: [],
  tunables: { WG: [8, 16] },
  constraints: ['WG * WG <= maxComputeInvocationsPerWorkgroup'],
  deterministic: true,
  facts: matmulFacts,
  rejects: tooLarge,
  defaults: () => ({ WG: 8 }),
  cost: matmulCost,
  estimate: (problem, traits) => roughSeconds(problem, traits, { software: 0.5e9, hardware: 400e9, outputsPerGroup: 64 }),
  variant: matmulVariant,

  generate(problem, { WG }, traits) {
    const storage = storageOf(problem.dtype, traits);
    const entry = {
      buffers: operandBuffers(problem),
      arguments: [...parameters('u32', 'm', 'n', 'k', 'rows', 'words', 'elements'), ...parameters('f32', 'alpha')],
    };
    const word = storage === 'packed' ? 'vec2(element(first), element(first + 1))' : 'element(first)';
    const code = `${operands(problem, storage, entry, { A: false, B: false, C: false })}
${epilogue(problem)}

fn element(flat: u32) -> f32 {
  if (flat >= args.elements) { return 0.0; }
  let matrix = flat / (args.m * args.n);
  let row = (flat / args.n) % args.m;
  let column = flat % args.n;
  let a = matrix * args.m * args.k;
  let b = matrix * args.k * args.n;
  var sum = 0.0;
  for (var p = 0u; p < args.k; p++) {
    sum += load_A(${indexA(problem, 'a', 'row', 'p')}) * load_B(${indexB(problem, 'b', 'p', 'column')});
  }
  return ${stored(problem, 'flat', 'epilogue(sum, column)')};
}

@compute @workgroup_size(${WG}, ${WG})
fn matmul(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
  let tile = ${WORKGROUP_NUMBER};
  let tiles_across = (args.words + ${WG - 1}) / ${WG};
  let row = tile / tiles_across * ${WG} + thread.y;
  let word = tile % tiles_across * ${WG} + thread.x;
  if (row >= args.rows || word >= args.words) { return; }
  let first = (row * args.words + word) * ${elementsPerWord(storage)};
  store_C(first, ${word});
}
`;
    return { label: `matmul/naive/${matmulVariant(problem)} WG=${WG}`, code, entries: { matmul: entry } };
  },

  plan(problem, { WG }, traits) {
    const { batch, m, n, k, alpha } = problem;
    const perWord = elementsPerWord(storageOf(problem.dtype, traits));
    const elements = batch * m * n;
    // Threads lie over C as over one tall matrix; where rows share words it is taken as one long row.
    const [rows, words] = n % perWord === 0 ? [batch * m, n / perWord] : [1, Math.ceil(elements / perWord)];
    const grid = linearGrid(Math.ceil(rows / WG) * Math.ceil(words / WG));
    return {
      passes: [{ entry: 'matmul', buffers: operandNames(problem), arguments: [m, n, k, rows, words, elements, alpha], grid }],
      workspace: {},
    };
  },
};

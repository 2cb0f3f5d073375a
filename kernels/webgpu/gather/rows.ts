// Gather: out[i] = table[indices[i]].  ScatterAdd: out[v] = the sum of x0[i] with indices[i] = v, in order of i.
//
//   indices   3  0  3  3  0      gather: a thread for each word of out.
//   next      2  4  3  -  -      scatterAdd, without atomics: `chain` finds for each index the next equal one, and whether there is one before it;
//   first     x  x               then a thread for each element of a first row walks the chain. Chaining compares indices pair by pair, which a GPU
//                                does well up to some ten thousand of them.

import { gatherCost, gatherFacts, scatterAddCost, wordsOfRow } from '../../gather.ts';
import type { Entry, Kernel, TunableSpace, Tunables } from '../../kernel.ts';
import type { GatherProblem, ScatterAddProblem } from '../../problems/gather.ts';
import { argumentBlock, linearGrid, parameters, WORKGROUP_NUMBER } from '../wgsl.ts';

const WG: TunableSpace = { WG: [64, 32, 128, 256] };
const WG_FITS = 'WG <= min(maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX)';
const groupsFor = (threads: number, { WG }: Tunables) => linearGrid(Math.ceil(threads / WG));

export const gatherRows: Kernel<GatherProblem> = {
  name: 'rows',
  op: 'gather',
  device: 'webgpu',
  summary: 'a thread for each word',
  requires: [],
  tunables: WG,
  constraints: [WG_FITS],
  deterministic: true,
  facts: gatherFacts,
  rejects: (problem) =>
    Number.isInteger(wordsOfRow(problem)) ? undefined : `rows of ${problem.width} ${problem.dtype} are not whole words of 4 bytes`,
  defaults: () => ({ WG: 64 }),
  cost: gatherCost,
  estimate: (problem, { limits }) => 20e-6 + gatherCost(problem).bytes / (limits.softwareAdapter ? 2e9 : 100e9),
  variant: () => 'words',
  generate: (_problem, { WG }) => ({ label: `gather/rows WG=${WG}`, code: gatherCode(WG), entries: { gather: GATHER } }),
  plan(problem, tunables) {
    const words = wordsOfRow(problem);
    const threads = problem.count * words;
    return {
      passes: [
        {
          entry: 'gather',
          buffers: ['table', 'indices', 'out'],
          arguments: [threads, problem.rows, words],
          grid: groupsFor(threads, tunables),
        },
      ],
      workspace: {},
    };
  },
};

export const scatterAddChains: Kernel<ScatterAddProblem> = {
  name: 'chains',
  op: 'scatterAdd',
  device: 'webgpu',
  summary: 'equal indices are chained, then a thread for each element of a chain walks it',
  requires: [],
  tunables: WG,
  constraints: [WG_FITS],
  deterministic: true,
  facts: gatherFacts,
  rejects: () => undefined,
  defaults: () => ({ WG: 64 }),
  cost: scatterAddCost,
  estimate: (problem, { limits }) => {
    const { bytes } = scatterAddCost(problem);
    const comparisons = problem.count ** 2;
    return limits.softwareAdapter ? 200e-6 + bytes / 2e9 + comparisons / 0.5e9 : 30e-6 + bytes / 100e9 + comparisons / 500e9;
  },
  variant: () => 'f32',
  generate: (_problem, { WG }) => ({
    label: `scatterAdd/chains WG=${WG}`,
    code: scatterAddCode(WG),
    entries: { clear: CLEAR, chain: CHAIN, add: ADD },
  }),
  plan({ rows, width, count }, tunables) {
    return {
      passes: [
        { entry: 'clear', buffers: ['out'], arguments: [rows * width], grid: groupsFor(rows * width, tunables) },
        { entry: 'chain', buffers: ['indices', 'next'], arguments: [count], grid: groupsFor(count, tunables) },
        {
          entry: 'add',
          buffers: ['indices', 'next', 'x0', 'out'],
          arguments: [count * width, width, rows],
          grid: groupsFor(count * width, tunables),
        },
      ],
      workspace: { next: 8 * count },
    };
  },
};

const entryOf = (written: string, buffers: readonly string[], ...words: string[]): Entry => ({
  buffers: buffers.map((name) => ({ name, access: name === written ? 'write' : 'read' })),
  arguments: parameters('u32', ...words),
});

const GATHER = entryOf('out', ['table', 'indices', 'out'], 'threads', 'rows', 'words');
const CLEAR = entryOf('out', ['out'], 'threads');
const CHAIN = entryOf('next', ['indices', 'next'], 'count');
const ADD = entryOf('out', ['indices', 'next', 'x0', 'out'], 'threads', 'width', 'rows');

const storage = (binding: number, name: string, access: 'read' | 'read_write', type: string): string =>
  `@group(0) @binding(${binding}) var<storage, ${access}> ${name}: array<${type}>;`;

/** An entry point whose threads have numbers below `args.bound`, as `thread`. */
const entryPoint = (WG: number, name: string, bound: string, body: string): string => `@compute @workgroup_size(${WG})
fn ${name}(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let thread = (${WORKGROUP_NUMBER}) * ${WG}u + local;
  if (thread >= ${bound}) { return; }
${body}
}`;

const gatherCode = (WG: number): string => `${storage(0, 'table', 'read', 'u32')}
${storage(1, 'indices', 'read', 'i32')}
${storage(2, 'out', 'read_write', 'u32')}
${argumentBlock(3, GATHER)}
${entryPoint(
  WG,
  'gather',
  'args.threads',
  `  // Unsigned, so that negative indices are outside too.
  let row = u32(indices[thread / args.words]);
  var word = 0u;
  if (row < args.rows) { word = table[row * args.words + thread % args.words]; }
  out[thread] = word;`,
)}
`;

const scatterAddCode = (WG: number): string => `${storage(0, 'cleared', 'read_write', 'f32')}
${argumentBlock(1, CLEAR, 'clear_args')}
${entryPoint(WG, 'clear', 'clear_args.threads', '  cleared[thread] = 0.0;')}

${storage(0, 'indices', 'read', 'i32')}
/* Of each index: the number of the next equal one or ${2 ** 32 - 1}, and 1 if there is none before it. */
${storage(1, 'made', 'read_write', 'vec2<u32>')}
${argumentBlock(2, CHAIN, 'chain_args')}
${entryPoint(
  WG,
  'chain',
  'chain_args.count',
  `  let own = indices[thread];
  var first = 1u;
  for (var i = 0u; i < thread && first == 1u; i++) { first = select(1u, 0u, indices[i] == own); }
  var following = ${2 ** 32 - 1}u;
  for (var i = thread + 1u; i < chain_args.count; i++) {
    if (indices[i] == own) { following = i; break; }
  }
  made[thread] = vec2(following, first);`,
)}

${storage(1, 'next', 'read', 'vec2<u32>')}
${storage(2, 'x0', 'read', 'f32')}
${storage(3, 'out', 'read_write', 'f32')}
${argumentBlock(4, ADD, 'add_args')}
${entryPoint(
  WG,
  'add',
  'add_args.threads',
  `  let start = thread / add_args.width;
  let column = thread % add_args.width;
  let row = u32(indices[start]);
  if (row >= add_args.rows || next[start].y == 0u) { return; }
  var sum = 0.0;
  for (var i = start; i != ${2 ** 32 - 1}u; i = next[i].x) { sum += x0[i * add_args.width + column]; }
  out[row * add_args.width + column] = sum;`,
)}
`;

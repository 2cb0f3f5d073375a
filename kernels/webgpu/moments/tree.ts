// Statistics of each channel of [outer, channels, inner] in one pass over memory.
//
//   forward:  a = x − K      S1 = Σ a    S2 = Σ a²        mean = K + S1/n,  variance = S2/n − (S1/n)²
//   cross:    a = x − mean   S1 = Σ g    S2 = Σ g · a
//
//   a workgroup a channel; thread t takes elements t, t + WG, ..;   then a tree over the threads
//
// K is the mean of the channel's first elements, one for each thread: about it, squares do not cancel.

import type { Entry, Kernel, Source } from '../../kernel.ts';
import { momentsCost, momentsFacts, momentsVariant } from '../../moments.ts';
import { type MomentsProblem, momentsOperands } from '../../problems/moments.ts';
import { unbindable } from '../binding.ts';
import { argumentBlock, linearGrid, parameters, WORKGROUP_NUMBER } from '../wgsl.ts';

/** Elements that a thread adds up before it adds their sum: so that long channels lose no more than short ones. */
const BLOCK = 64;

export const tree: Kernel<MomentsProblem> = {
  name: 'tree',
  op: 'moments',
  device: 'webgpu',
  summary: 'a workgroup a channel; a tree over its threads',
  requires: [],
  tunables: { WG: [256, 64, 128] },
  constraints: ['WG <= maxComputeInvocationsPerWorkgroup'],
  deterministic: true,
  facts: momentsFacts,
  rejects: (problem, traits) => unbindable(momentsOperands(problem), traits),
  defaults: (_problem, { limits }) => ({ WG: limits.softwareAdapter ? 64 : 256 }),
  cost: momentsCost,
  estimate: (problem, { limits }) =>
    limits.softwareAdapter ? 100e-6 + momentsCost(problem).flops / 0.5e9 : 20e-6 + momentsCost(problem).bytes / 200e9,
  variant: momentsVariant,
  generate: (problem, { WG }) => generate(problem, WG),
  plan: (problem) => ({
    passes: [
      {
        entry: 'channels',
        buffers: Object.keys(momentsOperands(problem)),
        arguments: [problem.outer, problem.channels, problem.inner],
        grid: linearGrid(problem.channels),
      },
    ],
    workspace: {},
  }),
};

function generate(problem: MomentsProblem, WG: number): Source {
  const isCross = problem.pass === 'cross';
  const names = Object.keys(momentsOperands(problem));
  const result = names[names.length - 1];
  const entry: Entry = {
    buffers: names.map((name) => ({ name, access: name === result ? 'write' : 'read' })),
    arguments: parameters('u32', 'outer', 'channels', 'inner'),
  };
  const variables = names.map(
    (name, i) => `@group(0) @binding(${i}) var<storage, ${name === result ? 'read_write' : 'read'}> ${name}: array<f32>;`,
  );
  const center = isCross
    ? 'let center = mean[c];'
    : `shared_sums[thread] = select(vec2(0.0), vec2(x[place(c, thread)], 1.0), thread < count);
  let first = folded(thread);
  let center = first.x / first.y;
  workgroupBarrier();`;
  const code = `${argumentBlock(names.length, entry)}
${variables.join('\n')}
var<workgroup> shared_sums: array<vec2<f32>, ${WG}>;

fn place(c: u32, i: u32) -> u32 { return ((i / args.inner) * args.channels + c) * args.inner + i % args.inner; }

fn folded(thread: u32) -> vec2<f32> {
  for (var half = ${WG / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { shared_sums[thread] += shared_sums[thread + half]; }
  }
  workgroupBarrier();
  return shared_sums[0];
}

@compute @workgroup_size(${WG})
fn channels(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let c = ${WORKGROUP_NUMBER};
  if (c >= args.channels) { return; }
  let count = args.outer * args.inner;
  ${center}
  var total = vec2<f32>(0.0);
  for (var start = thread; start < count; start += ${WG * BLOCK}u) {
    var sums = vec2<f32>(0.0);
    for (var i = start; i < min(count, start + ${WG * BLOCK}u); i += ${WG}u) {
      let e = place(c, i);
      let a = x[e] - center;
      ${isCross ? 'let added = g[e];' : 'let added = a;'}
      sums += vec2(added, added * a);
    }
    total += sums;
  }
  shared_sums[thread] = total;
  var result = folded(thread);
  if (thread > 0u) { return; }
  ${isCross ? '' : 'result /= f32(count);\n  result = vec2(center + result.x, max(result.y - result.x * result.x, 0.0));'}
  ${result}[c] = result.x;
  ${result}[args.channels + c] = result.y;
}`;
  return { label: `moments/tree/${momentsVariant(problem)}/${WG}`, code, entries: { channels: entry } };
}

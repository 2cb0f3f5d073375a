// The roof: kernels that do nothing but multiply-add, or nothing but move bytes, for the peaks that all other figures are divided by.
//
//   chains   every thread runs independent chains of fma() in registers; no memory but one store at the end
//   quads    neighbouring threads read, write or copy neighbouring vec4s, each byte once
//
// Nothing may be optimised away: chains start from the thread's number and step by arguments, and their sum is stored; what is read is
// added up and stored if it equals an argument that it never equals.

import type { Entry, Kernel } from '../kernel.ts';
import type { FmaProblem, StreamProblem } from '../problem.ts';
import { argumentBlock, linearGrid, lines, parameters, readable, WORKGROUP_NUMBER, writable } from './wgsl.ts';

/** Steps of each chain in one turn of the loop. */
const UNROLLED = 8;

/** The steps that are really made: whole turns of the loop. */
const steps = ({ length }: FmaProblem): number => Math.ceil(length / UNROLLED) * UNROLLED;

export const chains: Kernel<FmaProblem> = {
  name: 'chains',
  op: 'fma',
  device: 'webgpu',
  summary: 'independent chains of vec4 multiply-adds in registers',
  requires: [],
  tunables: { WG: [64, 128, 256], CHAINS: [4, 2, 8, 16] },
  constraints: ['WG <= maxComputeInvocationsPerWorkgroup', 'WG <= maxComputeWorkgroupSizeX'],
  deterministic: true,
  facts: ({ length, threads }) => ({ length, threads }),
  rejects: () => undefined,
  defaults: () => ({ WG: 64, CHAINS: 4 }),
  cost(problem, { CHAINS }) {
    const flops = problem.threads * CHAINS * steps(problem) * 4 * 2;
    return { flops, executedFlops: flops, bytes: problem.threads * 4 };
  },
  estimate: ({ length, threads }) => length * threads * 1e-12,
  variant: () => 'f32',

  generate(_problem, { WG, CHAINS }) {
    const entry: Entry = {
      buffers: [{ name: 'out', access: 'write' }],
      arguments: [...parameters('u32', 'threads', 'turns'), ...parameters('f32', 'factor', 'term')],
    };
    const code = `${writable(0, 'out', 'f32', 1)}
${argumentBlock(1, entry)}

@compute @workgroup_size(${WG})
fn chains(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let thread = (${WORKGROUP_NUMBER}) * ${WG} + lane;
  if (thread >= args.threads) { return; }
  let factor = vec4(args.factor);
  let term = vec4(args.term);
${lines(CHAINS, (c) => `  var chain_${c} = vec4(f32(thread), ${c}.0, 1.0, 0.5);`)}
  for (var turn = 0u; turn < args.turns; turn++) {
${lines(UNROLLED, () => lines(CHAINS, (c) => `    chain_${c} = fma(chain_${c}, factor, term);`))}
  }
  store_out(thread, dot(${Array.from({ length: CHAINS }, (_, c) => `chain_${c}`).join(' + ')}, vec4(1.0)));
}
`;
    return { label: `fma/chains WG=${WG} CHAINS=${CHAINS}`, code, entries: { chains: entry } };
  },

  plan(problem, { WG }) {
    const { threads } = problem;
    // The fixed point of x * 0.75 + 0.25 is 1: values stay normal numbers however long the chain.
    const pass = { entry: 'chains', buffers: ['out'], arguments: [threads, steps(problem) / UNROLLED, 0.75, 0.25] };
    return { passes: [{ ...pass, grid: linearGrid(Math.ceil(threads / WG)) }], workspace: {} };
  },
};

/** What the loop does; a GPU gains nothing from working in place. */
type Access = Exclude<StreamProblem['access'], 'update'>;

const STREAM_BUFFERS: Record<Access, Entry['buffers']> = {
  read: [
    { name: 'from', access: 'read' },
    { name: 'out', access: 'write' },
  ],
  write: [{ name: 'to', access: 'write' }],
  copy: [
    { name: 'from', access: 'read' },
    { name: 'to', access: 'write' },
  ],
};

/** What a thread does with quad `e / 4`; `sum` gathers what is read. */
const STREAM_STEP: Record<Access, string> = {
  read: 'sum += load4_source(e);',
  write: 'store4_sink(e, vec4(args.value));',
  copy: 'store4_sink(e, load4_source(e));',
};

export const quads: Kernel<StreamProblem> = {
  name: 'quads',
  op: 'stream',
  device: 'webgpu',
  summary: 'neighbouring threads move neighbouring vec4s',
  requires: [],
  tunables: { WG: [64, 128, 256], EACH: [4, 1, 2, 8, 16] },
  constraints: ['WG <= maxComputeInvocationsPerWorkgroup', 'WG <= maxComputeWorkgroupSizeX'],
  deterministic: true,
  facts: ({ bytes }) => ({ bytes }),
  rejects({ access, bytes }, { limits }) {
    if (access === 'update') return 'it has no loop that works in place';
    if (bytes % 16 !== 0) return `${bytes} bytes are not whole vec4s, expected a multiple of 16`;
    const most = limits.maxStorageBufferBindingSize;
    return bytes > most ? `${bytes} bytes are more than the ${most} that can be bound` : undefined;
  },
  defaults: () => ({ WG: 64, EACH: 4 }),
  cost: ({ access, bytes }) => ({ flops: 0, executedFlops: 0, bytes: access === 'copy' ? 2 * bytes : bytes }),
  estimate: ({ bytes }) => bytes * 1e-11,
  variant: ({ access }) => access,

  generate({ access }, { WG, EACH }) {
    const entry: Entry = {
      buffers: STREAM_BUFFERS[access as Access],
      arguments: [...parameters('u32', 'elements'), ...parameters('f32', 'value')],
    };
    const declare = entry.buffers.map(({ name, access: use }, binding) => {
      if (name === 'out') return writable(binding, 'result', 'f32', 1);
      return use === 'read' ? readable(binding, 'source', 'f32', 4) : writable(binding, 'sink', 'f32', 4);
    });
    const code = `${declare.join('\n')}
${argumentBlock(entry.buffers.length, entry)}

@compute @workgroup_size(${WG})
fn stream(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let first = ((${WORKGROUP_NUMBER}) * ${WG * EACH} + lane) * 4;
  var sum = vec4<f32>();
${lines(EACH, (i) => `  { let e = first + ${i * WG * 4}; if (e < args.elements) { ${STREAM_STEP[access as Access]} } }`)}
${access === 'read' ? '  if (dot(sum, vec4(1.0)) == args.value) { store_result(0, sum.x); }' : ''}
}
`;
    return { label: `stream/quads/${access} WG=${WG} EACH=${EACH}`, code, entries: { stream: entry } };
  },

  plan({ access, bytes }, { WG, EACH }) {
    const buffers = STREAM_BUFFERS[access as Access].map(({ name }) => name);
    // For a read, a value that no sum of moderate numbers comes to.
    const value = access === 'read' ? 3e38 : 1;
    const grid = linearGrid(Math.ceil(bytes / 16 / (WG * EACH)));
    return { passes: [{ entry: 'stream', buffers, arguments: [bytes / 4, value], grid }], workspace: {} };
  },
};

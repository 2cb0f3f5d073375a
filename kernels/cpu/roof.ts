// The roof kernels measure what this machine can do at best: arithmetic in registers, and passes over memory. Figures are divided by them.
//
//   fma:     CHAINS vectors, each its own chain  x = x + a · b   of fused multiply-adds, `length` long; nothing is loaded
//   stream:  one pass over a buffer in STREAMS contiguous pieces side by side: several streams keep more cache lines under way than one
//
// A small buffer is passed over several times within one dispatch, so that the call does not count.

import type { Cost, Entry, Kernel, Source, Traits, TunableSpace, Tunables } from '../kernel.ts';
import type { FmaProblem, StreamProblem } from '../problem.ts';
import { advance, assemble, f32x4, i32, type Local, local, memory, repeat, set, type Task, task, v128 } from './assembly.ts';

/** Bytes that one dispatch moves at least. */
const BYTES_PER_DISPATCH = 8 * 2 ** 20;
const passesOver = ({ bytes }: StreamProblem): number => Math.max(1, Math.round(BYTES_PER_DISPATCH / bytes));

export const fma: Kernel<FmaProblem> = {
  name: 'chains',
  op: 'fma',
  device: 'cpu',
  summary: 'independent chains of fused multiply-adds in registers: the roof of arithmetic',
  requires: ['relaxed-simd'],
  // Pairs fuse into 256 bits where the engine can: 24 is 12 wide registers, 12 is what fits unfused.
  tunables: { CHAINS: [24, 12, 20, 10] },
  constraints: [],
  deterministic: true,
  facts: ({ length, threads }) => ({ length, threads }),
  rejects: ({ threads }, { limits }) =>
    threads > limits.threads ? `it wants ${threads} threads and the device has ${limits.threads}` : undefined,
  defaults: (_problem, { features }) => ({ CHAINS: features.has('revectorize') ? 24 : 12 }),
  cost: ({ length, threads }, { CHAINS }): Cost => ({
    flops: 8 * CHAINS * length * threads,
    executedFlops: 8 * CHAINS * length * threads,
    bytes: 0,
  }),
  estimate: ({ length }) => length * 1e-8,
  variant: () => 'f32',
  generate: (_problem, { CHAINS }): Source => {
    const entry: Entry = { buffers: [{ name: 'out', access: 'write' }], arguments: [{ name: 'length', type: 'u32' }] };
    const chains = task(entry, { x: [v128, CHAINS] as const, a: v128, b: v128 }, ({ thread, x, a, b }, { out, length }) => {
      set(a, f32x4.splat(0.999));
      set(b, f32x4.splat(0.001));
      x.forEach((chain) => set(chain, v128.const('f32x4', [1, 1, 1, 1])));
      repeat(length, () => x.forEach((chain) => set(chain, f32x4.relaxed_madd(a, b, chain))));
      // What is stored cannot be left out.
      advance(out, i32.shl(thread, 9));
      x.forEach((chain, i) => v128.store({ offset: 16 * i }, out, chain));
    });
    return assemble(`fma/chains/${CHAINS}`, { chains });
  },
  plan: ({ length, threads }) => ({
    passes: [{ entry: 'chains', buffers: ['out'], arguments: [length], grid: [threads, 1, 1] }],
    workspace: {},
  }),
};

const LINE = 64;

/** Passes over pieces with vectors; `bulk` is the engine's own memory.fill and memory.copy. */
function streamKernel(name: 'vectors' | 'bulk', summary: string): Kernel<StreamProblem> {
  const knobs: TunableSpace = name === 'bulk' ? {} : { STREAMS: [1, 4, 8] };
  return {
    name,
    op: 'stream',
    device: 'cpu',
    summary,
    requires: ['simd'],
    tunables: knobs,
    constraints: [],
    deterministic: true,
    facts: ({ bytes }) => ({ bytes }),
    rejects: ({ access, bytes }, { limits }) => {
      if (name === 'bulk' && (access === 'read' || access === 'update')) return 'there is no bulk instruction that reads without copying';
      const unit = limits.threads * 8 * LINE;
      return bytes % unit === 0 && bytes > 0 ? undefined : `${bytes} bytes are not a multiple of ${unit}`;
    },
    defaults: (): Tunables => (name === 'bulk' ? {} : { STREAMS: 4 }),
    cost: (problem): Cost => ({
      flops: 0,
      executedFlops: 0,
      bytes: problem.bytes * passesOver(problem) * (problem.access === 'copy' || problem.access === 'update' ? 2 : 1),
    }),
    estimate: ({ bytes }) => bytes / 1e10,
    variant: ({ access }) => access,
    generate: ({ access }, { STREAMS }): Source =>
      assemble(`stream/${name}/${access}`, { pass: streamTask(access, name === 'bulk' ? 0 : STREAMS) }),
    plan: (problem, _tunables, { limits }: Traits) => ({
      passes: [
        {
          entry: 'pass',
          buffers: BUFFERS[problem.access],
          arguments: [problem.bytes / limits.threads, passesOver(problem)],
          grid: [limits.threads, 1, 1],
        },
      ],
      workspace: {},
    }),
  };
}

const BUFFERS = { read: ['from', 'out'], write: ['to'], copy: ['from', 'to'], update: ['to'] };

/** One task passes over its thread's share: `share` bytes, `passes` times. */
function streamTask(access: StreamProblem['access'], streams: number): Task {
  const entry: Entry = {
    buffers: BUFFERS[access].map((name) => ({ name, access: name === 'from' ? 'read' : 'write' })),
    arguments: ['share', 'passes'].map((name) => ({ name, type: 'u32' as const })),
  };
  const locals = {
    source: [i32, Math.max(1, streams)],
    target: [i32, Math.max(1, streams)],
    steps: i32,
    sum: [v128, 8],
    value: [v128, 4],
  } as const;
  return task(entry, locals, ({ task, source, target, steps, sum, value }, argument) => {
    const { from, to, out, share, passes } = argument;
    if (from) advance(from, i32.mul(task, share));
    if (to) advance(to, i32.mul(task, share));
    repeat(passes, () => {
      if (streams === 0) return bulk();
      start(source, from);
      start(target, to);
      set(steps, i32.div_u(share, streams * LINE));
      repeat(steps, () => {
        for (let s = 0; s < streams; s++) line(source[s], target[s], s);
      });
    });
    if (access === 'read') {
      advance(out, i32.shl(task, 7));
      sum.forEach((value, i) => v128.store({ offset: 16 * i }, out, value));
    }

    function start(pointers: Local[], base: Local | undefined) {
      if (base) pointers.forEach((pointer, s) => set(pointer, s === 0 ? base : i32.add(pointers[s - 1], i32.div_u(share, streams))));
    }
    function line(read: Local, write: Local, stream: number) {
      // Two sets of sums take turns: one would make the adders' latency the roof.
      const first = 4 * (stream % 2);
      for (let i = 0; i < 4; i++) if (from) set(value[i], v128.load({ offset: 16 * i }, read));
      if (access === 'update') for (let i = 0; i < 4; i++) set(value[i], f32x4.neg(v128.load({ offset: 16 * i }, write)));
      for (let i = 0; i < 4; i++) {
        if (access === 'read') set(sum[first + i], f32x4.add(sum[first + i], value[i]));
        else v128.store({ offset: 16 * i }, write, value[i]);
      }
      if (from) advance(read, LINE);
      if (to) advance(write, LINE);
    }
    function bulk() {
      local.get(to);
      if (access === 'copy') local.get(from);
      else i32.const(0);
      local.get(share);
      if (access === 'copy') memory.copy();
      else memory.fill();
    }
  });
}

export const roofKernels = [
  fma,
  streamKernel('vectors', 'one pass over memory with vectors, in several streams: the roof of bandwidth'),
  streamKernel('bulk', "one pass over memory with the engine's memory.fill and memory.copy"),
];

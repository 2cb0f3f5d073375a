// out[to(i)] = x0[from(i)].
//
//   elements of 4 bytes:        a thread for each, in the order of the destination
//   elements of 2 and 1 bytes:  a thread for each word of the destination: it keeps what lies outside of the region and replaces the rest,
//                               so that no two threads share a word

import { copyCost, copyFacts } from '../../copy.ts';
import type { Entry, Kernel } from '../../kernel.ts';
import { type CopyProblem, copyElements, copyOperands } from '../../problems/copy.ts';
import { argumentBlock, linearGrid, parameters, WORKGROUP_NUMBER } from '../wgsl.ts';

export const elements: Kernel<CopyProblem> = {
  name: 'elements',
  op: 'copy',
  device: 'webgpu',
  summary: 'a thread for each word of the destination',
  requires: [],
  tunables: { WG: [64, 128, 256] },
  constraints: ['WG <= maxComputeInvocationsPerWorkgroup'],
  deterministic: true,
  facts: copyFacts,
  rejects: () => undefined,
  defaults: () => ({ WG: 64 }),
  cost: copyCost,
  estimate: (problem, { limits }) =>
    limits.softwareAdapter ? 50e-6 + copyCost(problem).bytes / 2e9 : 10e-6 + copyCost(problem).bytes / 100e9,
  variant: (problem) => `${problem.elementBytes}/r${problem.shape.length}`,
  generate: (problem, { WG }) => ({
    label: `copy/elements/${elements.variant(problem)} WG=${WG}`,
    code: problem.elementBytes === 4 ? wordCode(problem, WG) : partCode(problem, WG),
    entries: { copy: entryOf(problem) },
  }),

  plan(problem, { WG }) {
    const { shape, from, to, elementBytes } = problem;
    const perWord = 4 / elementBytes;
    const firstWord = Math.floor(to.offset / perWord);
    const threads = elementBytes === 4 ? copyElements(problem) : Math.ceil(copyOperands(problem).out.elements / perWord) - firstWord;
    return {
      passes: [
        {
          entry: 'copy',
          buffers: ['x0', 'out'],
          arguments: [threads, firstWord, from.offset, to.offset, ...shape, ...from.strides, ...to.strides],
          grid: linearGrid(Math.ceil(threads / WG)),
        },
      ],
      workspace: {},
    };
  },
};

function entryOf({ shape }: CopyProblem): Entry {
  const names = ['size', 'from', 'to'].flatMap((name) => shape.map((_, d) => `${name}${d}`));
  return {
    buffers: [
      { name: 'x0', access: 'read' },
      { name: 'out', access: 'write' },
    ],
    arguments: parameters('u32', 'threads', 'first_word', 'from_offset', 'to_offset', ...names),
  };
}

const head = (problem: CopyProblem): string => `@group(0) @binding(0) var<storage, read> x0: array<u32>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
${argumentBlock(2, entryOf(problem))}
`;

const mainCode = (WG: number, body: string): string => `@compute @workgroup_size(${WG})
fn copy(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let thread = (${WORKGROUP_NUMBER}) * ${WG}u + local;
  if (thread >= args.threads) { return; }
${body}
}
`;

/** From the index of an element to its place on either side. */
function wordCode(problem: CopyProblem, WG: number): string {
  const walk = problem.shape
    .map((_, d) => `  i = rest % args.size${d}; rest /= args.size${d}; from_at += i * args.from${d}; to_at += i * args.to${d};`)
    .reverse();
  return `${head(problem)}${mainCode(
    WG,
    `  var rest = thread;
  var i = 0u;
  var from_at = args.from_offset;
  var to_at = args.to_offset;
${walk.join('\n')}
  out[to_at] = x0[from_at];`,
  )}`;
}

/** From a place in the destination back to the element, whose index is found because the destination's strides fall. */
function partCode(problem: CopyProblem, WG: number): string {
  const bits = 8 * problem.elementBytes;
  const perWord = 32 / bits;
  const shift = Math.log2(perWord);
  const mask = `${2 ** bits - 1}u`;
  const walk = problem.shape.map(
    (_, d) => `  i = rest / args.to${d}; rest %= args.to${d}; inside &= i < args.size${d}; from_at += i * args.from${d};`,
  );
  return `${head(problem)}
fn element(at: u32, old: u32) -> u32 {
  if (at < args.to_offset) { return old; }
  var rest = at - args.to_offset;
  var i = 0u;
  var inside = true;
  var from_at = args.from_offset;
${walk.join('\n')}
  if (!inside || rest != 0u) { return old; }
  return (x0[from_at >> ${shift}u] >> ((from_at & ${perWord - 1}u) * ${bits}u)) & ${mask};
}

${mainCode(
  WG,
  `  let word = args.first_word + thread;
  let old = out[word];
  var new_word = 0u;
  for (var part = 0u; part < ${perWord}u; part++) {
    new_word |= element(word * ${perWord}u + part, (old >> (part * ${bits}u)) & ${mask}) << (part * ${bits}u);
  }
  out[word] = new_word;`,
)}`;
}

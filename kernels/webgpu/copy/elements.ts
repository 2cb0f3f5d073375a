// out[to(i)] = x0[from(i)].
//
//   rows of aligned quads:      a thread for each 16 bytes, or each word of smaller elements: the copy counts in these instead
//   elements of 4 bytes:        a thread for each, in the order of the destination
//   elements of 2 and 1 bytes:  a thread for each word of the destination: it keeps what lies outside of the region and replaces the rest,
//                               so that no two threads share a word

import { copyCost, copyFacts } from '../../copy.ts';
import type { Entry, Kernel } from '../../kernel.ts';
import { type CopyProblem, copyOperands, type Region } from '../../problems/copy.ts';
import { elementCount } from '../../problems/pointwise.ts';
import { argumentBlock, linearGrid, parameters, WORKGROUP_NUMBER } from '../wgsl.ts';

export const elements: Kernel<CopyProblem> = {
  name: 'elements',
  op: 'copy',
  device: 'webgpu',
  summary: 'a thread for each word of the destination, or each quad of words where rows consist of such',
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
  variant: (problem) => `${unitOf(problem)}/r${problem.shape.length}`,
  generate: (problem, { WG }) => ({
    label: `copy/elements/${elements.variant(problem)} WG=${WG}`,
    code: unitOf(problem) >= 4 ? wordCode(problem, WG) : partCode(problem, WG),
    entries: { copy: entryOf(problem) },
  }),

  plan(problem, { WG }) {
    const unit = unitOf(problem);
    const { shape, from, to } = counted(problem, unit / problem.elementBytes);
    const perWord = 4 / unit;
    const firstWord = Math.floor(to.offset / perWord);
    const threads = unit >= 4 ? elementCount(shape) : Math.ceil(copyOperands(problem).out.elements / perWord) - firstWord;
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

/** Bytes that a thread moves: 16 or 4 where rows on both sides consist of such, aligned; else those of an element. */
function unitOf({ shape, from, to, elementBytes }: CopyProblem): number {
  const last = shape.length - 1;
  if (last < 0 || from.strides[last] !== 1 || to.strides[last] !== 1) return elementBytes;
  const elements = [shape[last], from.offset, to.offset, ...from.strides.slice(0, last), ...to.strides.slice(0, last)];
  return [16, 4].find((unit) => elements.every((count) => (count * elementBytes) % unit === 0)) ?? elementBytes;
}

/** The copy in units of `each` elements. */
function counted({ shape, from, to, ...rest }: CopyProblem, each: number): CopyProblem {
  const last = shape.length - 1;
  const divided = ({ strides, offset }: Region): Region => ({
    strides: strides.map((stride, d) => (d === last ? stride : stride / each)),
    offset: offset / each,
  });
  return { ...rest, shape: shape.map((size, d) => (d === last ? size / each : size)), from: divided(from), to: divided(to) };
}

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

const head = (problem: CopyProblem, type = 'u32'): string => `@group(0) @binding(0) var<storage, read> x0: array<${type}>;
@group(0) @binding(1) var<storage, read_write> out: array<${type}>;
${argumentBlock(2, entryOf(problem))}
`;

const mainCode = (WG: number, body: string): string => `@compute @workgroup_size(${WG})
fn copy(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let thread = (${WORKGROUP_NUMBER}) * ${WG}u + local;
  if (thread >= args.threads) { return; }
${body}
}
`;

/** From the index of a unit to its place on either side. */
function wordCode(problem: CopyProblem, WG: number): string {
  const walk = problem.shape
    .map((_, d) => `  i = rest % args.size${d}; rest /= args.size${d}; from_at += i * args.from${d}; to_at += i * args.to${d};`)
    .reverse();
  return `${head(problem, unitOf(problem) === 16 ? 'vec4<u32>' : 'u32')}${mainCode(
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

// out[.., p, .., l] = x0[.., l, .., p]: one dimension is contiguous in the source (p), another in the destination (l).
//
//             p: TILE                l: TILE
//          +---------+           +---------+
//  l: TILE | rows    |  through  | columns |      A workgroup of TILE x ROWS threads reads a square along p and writes it along l: neighbouring threads
//          | read    |  tile     | written |      touch neighbouring words both times. The tile's rows are one word longer than the square's,
//          +---------+           +---------+      so that its columns lie in different banks (Ruetsch and Micikevicius, 2009).

import { copyCost, copyFacts } from '../../copy.ts';
import type { Entry, Kernel, Tunables } from '../../kernel.ts';
import { type CopyProblem, transposition } from '../../problems/copy.ts';
import { elementCount } from '../../problems/pointwise.ts';
import { argumentBlock, linearGrid, parameters, WORKGROUP_NUMBER } from '../wgsl.ts';

export const transpose: Kernel<CopyProblem> = {
  name: 'transpose',
  op: 'copy',
  device: 'webgpu',
  summary: 'squares turned in workgroup memory',
  requires: [],
  tunables: { TILE: [16, 8, 32], ROWS: [4, 2, 8, 16] },
  constraints: [
    'ROWS <= TILE and TILE * ROWS <= maxComputeInvocationsPerWorkgroup',
    'TILE <= maxComputeWorkgroupSizeX and ROWS <= maxComputeWorkgroupSizeY',
    '4 * TILE * (TILE + 1) <= maxComputeWorkgroupStorageSize',
  ],
  deterministic: true,
  facts: copyFacts,
  rejects: (problem) => {
    if (problem.elementBytes !== 4) return `it moves elements of 4 bytes, not of ${problem.elementBytes}`;
    return transposition(problem) ? undefined : 'no dimension is contiguous in the source and another one in the destination';
  },
  defaults: () => ({ TILE: 16, ROWS: 4 }),
  cost: copyCost,
  // Barriers cost a software adapter more than they save.
  estimate: (problem, { limits }) =>
    limits.softwareAdapter ? 60e-6 + copyCost(problem).bytes / 1e9 : 10.1e-6 + copyCost(problem).bytes / 200e9,
  variant: ({ shape }) => `r${shape.length}`,
  generate,

  plan(problem, { TILE }) {
    const { shape, from, to } = problem;
    const last = shape.length - 1;
    const { across } = transposition(problem)!;
    const isOuter = (_: number, d: number) => d !== across && d !== last;
    const sizes = shape.filter(isOuter);
    const [tilesAcross, tilesAlong] = [Math.ceil(shape[across] / TILE), Math.ceil(shape[last] / TILE)];
    const tiles = elementCount(sizes) * tilesAcross * tilesAlong;
    return {
      passes: [
        {
          entry: 'copy',
          buffers: ['x0', 'out'],
          arguments: [
            ...[tiles, tilesAcross, tilesAlong, shape[across], shape[last], from.offset, to.offset, from.strides[last], to.strides[across]],
            ...sizes,
            ...from.strides.filter(isOuter),
            ...to.strides.filter(isOuter),
          ],
          grid: linearGrid(tiles),
        },
      ],
      workspace: {},
    };
  },
};

function generate(problem: CopyProblem, { TILE, ROWS }: Tunables) {
  const outer = problem.shape.slice(2).map((_, d) => d);
  const names = ['size', 'from', 'to'].flatMap((name) => outer.map((d) => `${name}${d}`));
  const fixed = ['tiles', 'tiles_across', 'tiles_along', 'across', 'along', 'from_offset', 'to_offset', 'from_stride', 'to_stride'];
  const entry: Entry = {
    buffers: [
      { name: 'x0', access: 'read' },
      { name: 'out', access: 'write' },
    ],
    arguments: parameters('u32', ...fixed, ...names),
  };
  const walk = outer
    .map((d) => `  i = rest % args.size${d}; rest /= args.size${d}; from_at += i * args.from${d}; to_at += i * args.to${d};`)
    .reverse();
  const code = `@group(0) @binding(0) var<storage, read> x0: array<u32>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
${argumentBlock(2, entry)}
var<workgroup> tile: array<array<u32, ${TILE + 1}>, ${TILE}>;

@compute @workgroup_size(${TILE}, ${ROWS})
fn copy(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) thread: vec3<u32>) {
  let number = ${WORKGROUP_NUMBER};
  if (number >= args.tiles) { return; }
  let first_p = number % args.tiles_across * ${TILE}u;
  let first_l = number / args.tiles_across % args.tiles_along * ${TILE}u;
  var rest = number / args.tiles_across / args.tiles_along;
  var i = 0u;
  var from_at = args.from_offset;
  var to_at = args.to_offset;
${walk.join('\n')}
  for (var row = thread.y; row < ${TILE}u; row += ${ROWS}u) {
    let l = first_l + row;
    let p = first_p + thread.x;
    if (l < args.along && p < args.across) { tile[row][thread.x] = x0[from_at + l * args.from_stride + p]; }
  }
  workgroupBarrier();
  for (var row = thread.y; row < ${TILE}u; row += ${ROWS}u) {
    let p = first_p + row;
    let l = first_l + thread.x;
    if (l < args.along && p < args.across) { out[to_at + p * args.to_stride + l] = tile[thread.x][row]; }
  }
}
`;
  return { label: `copy/transpose/${transpose.variant(problem)} TILE=${TILE} ROWS=${ROWS}`, code, entries: { copy: entry } };
}

// The filter, packed in blocks of rows:  packed[g][block][q][tap][row of the block], so that the weights of all rows of a block are neighbours.
//
// Rows that do not exist are zero. The weights of an input gradient, which lie apart in the filter, are turned on the way: its rows are channels.

import type { Entry, Pass } from '../../kernel.ts';
import type { Conv2dProblem } from '../../problems/conv2d.ts';
import { argumentBlock, linearGrid, parameters, WORKGROUP_NUMBER } from '../wgsl.ts';
import { productOf, storage } from './product.ts';

const THREADS = 64;

export const packEntry: Entry = {
  buffers: [
    { name: 'filter', access: 'read' },
    { name: 'packed', access: 'write' },
  ],
  arguments: parameters('i32', 'quads', 'rows', 'blocks', 'depth', 'taps', 'filter_row', 'filter_group', 'filter_q'),
};

const blocksOf = (rows: number, height: number): number => Math.ceil(rows / height);

/** Bytes of a problem's packed filter in blocks of `height` rows. */
export function packedBytes(problem: Conv2dProblem, height: number): number {
  const { groups, rows, q, taps } = productOf(problem);
  return 4 * groups * blocksOf(rows, height) * height * q * taps;
}

/** WGSL of the entry `pack`, for blocks of `height` rows, a multiple of 4. One thread packs four rows of a tap. */
export const packCode = (height: number): string => `
${storage(0, 'loose', 'read')}
${storage(1, 'packs', 'write', true)}
${argumentBlock(2, packEntry, 'packing')}

fn weight(g: i32, row: i32, q: i32, tap: i32) -> f32 {
  if (row >= packing.rows) { return 0.0; }
  return loose[g * packing.filter_group + row * packing.filter_row + q * packing.filter_q + tap];
}

@compute @workgroup_size(${THREADS})
fn pack(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let quad = i32((${WORKGROUP_NUMBER}) * ${THREADS} + lane);
  if (quad >= packing.quads) { return; }
  let step = quad / ${height / 4};
  let tap = step % packing.taps;
  let q = step / packing.taps % packing.depth;
  let block = step / (packing.taps * packing.depth);
  let g = block / packing.blocks;
  let row = block % packing.blocks * ${height} + quad % ${height / 4} * 4;
  packs[quad] = vec4(weight(g, row, q, tap), weight(g, row + 1, q, tap), weight(g, row + 2, q, tap), weight(g, row + 3, q, tap));
}
`;

/** The pass that packs the filter of a problem into the workspace `packed`. */
export function packPass(problem: Conv2dProblem, height: number): Pass {
  const { rows, q, taps, weights } = productOf(problem);
  const quads = packedBytes(problem, height) / 16;
  return {
    entry: 'pack',
    prepares: 'filter',
    buffers: ['filter', 'packed'],
    arguments: [quads, rows, blocksOf(rows, height), q, taps, weights.row, weights.group, weights.q],
    grid: linearGrid(Math.ceil(quads / THREADS)),
  };
}

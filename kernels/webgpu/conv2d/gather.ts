// How pieces of a product's two matrices get into workgroup memory, where neither need lie in memory as a matrix (see product.ts).
//
//   weights   piece_A[row][p]       from weights_row · row + weights_q · q + tap,  p = (q, tap)
//   image     piece_B[p][column]    gathered: the element that column (plane, y, x) reaches by tap (u, v) in plane q
//
// Indices beyond an edge repeat the last one; what is computed from them is not stored.

import type { Conv2dProblem } from '../../problems/conv2d.ts';
import type { Gather } from '../matmul/block.ts';
import { lines } from '../wgsl.ts';
import { productOf } from './product.ts';

/** A piece: `tile` rows or columns, BK deep, with `stride` elements from line to line; staged by so many threads. */
interface Piece {
  readonly tile: number;
  readonly stride: number;
  readonly BK: number;
  readonly threads: number;
}

/** Whether the rows of the weights lie along p without a gap, as those of a forward pass do. */
const isContiguous = (problem: Conv2dProblem): boolean => problem.pass === 'forward';

/** Whether four weights along p are an aligned vec4. */
export function weightsHaveQuads(problem: Conv2dProblem): boolean {
  const { q, taps, weights } = productOf(problem);
  if (isContiguous(problem)) return (q * taps) % 4 === 0;
  return [taps, weights.row, weights.q].every((elements) => elements % 4 === 0);
}

/** Stages piece_A. Expects `g`, `tile_row`. */
export function weightsGather(problem: Conv2dProblem, { tile, stride, BK, threads }: Piece): Gather {
  const quads = weightsHaveQuads(problem);
  const at = (p: string) => (isContiguous(problem) ? p : `${p} / taps * args.weights_q + ${p} % taps`);
  const element = (c: number) =>
    `let p_${c} = min(i32(piece) + at + ${c}, args.steps - 1);\nlet w_${c} = weights[start + ${at(`p_${c}`)}];`;
  const load = quads
    ? `let p_0 = min(i32(piece) + at, args.steps - 4);\nlet quad = weights[(start + ${at('p_0')}) / 4];`
    : `${lines(4, element)}\nlet quad = vec4(w_0, w_1, w_2, w_3);`;
  return {
    start: isContiguous(problem) ? '' : 'let taps = args.taps_y * args.taps_x;',
    stage: `for (var i = lane; i < ${(tile * BK) / 4}; i += ${threads}) {
let at = i32(i % ${BK / 4} * 4);
let line = i / ${BK / 4};
let start = g * args.weights_group + min(i32(tile_row + line), args.rows - 1) * args.weights_row;
${load}
piece_A[(line * ${stride}) / 4 + i % ${BK / 4}] = quad;
}`,
  };
}

/** Stages piece_B through `gathered(plane, y, x)`. Expects `g`, `tile_column`; each thread has the same four columns in every piece. */
export function imageGather({ tile, stride, BK, threads }: Piece): Gather {
  const across = tile / 4;
  const column = (c: number) => `let column_${c} = min(i32(tile_column + lane % ${across} * 4) + ${c}, args.columns - 1);
let column_x_${c} = column_${c} % args.positions_x * args.step_x - args.offset_x;
let column_y_${c} = column_${c} / args.positions_x % args.positions_y * args.step_y - args.offset_y;
let column_at_${c} = g * args.image_group + column_${c} / args.positions * args.image_plane;`;
  const value = (c: number) => `gathered(column_at_${c} + plane, column_y_${c} + y, column_x_${c} + x)`;
  return {
    start: lines(4, column),
    stage: `for (var line = lane / ${across}; line < ${BK}; line += ${threads / across}) {
let p = min(i32(piece + line), args.steps - 1);
let tap = p % (args.taps_y * args.taps_x);
let plane = p / (args.taps_y * args.taps_x) * args.image_q;
let y = tap / args.taps_x * args.tap_step_y;
let x = tap % args.taps_x * args.tap_step_x;
piece_B[(line * ${stride}) / 4 + lane % ${across}] = vec4(${[0, 1, 2, 3].map(value).join(', ')});
}`,
  };
}

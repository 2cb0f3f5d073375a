// Tiles of a product's result: which one a workgroup has, and how its sums get to where the result keeps them.
//
//   workgroup = (layer, tile row, tile column), columns fastest        layer = slice of p · groups + group

import type { Entry, Tunables } from '../../kernel.ts';
import type { Conv2dProblem } from '../../problems/conv2d.ts';
import { lines, parameters, WORKGROUP_NUMBER } from '../wgsl.ts';
import { productOf, resultOf } from './product.ts';

/** Parameters that place tiles, in the order of `placeNumbers`; `elements` are those of the result. */
export const PLACE_PARAMETERS: Entry['arguments'] = parameters('i32', 'tiles', 'groups', 'columns', 'positions', 'elements');

export function placeNumbers(problem: Conv2dProblem, tiles: number): number[] {
  const { groups, planes, positions } = productOf(problem);
  return [tiles, groups, planes * positions, positions, resultOf(problem).elements];
}

/** Tiles that cover the result of all groups. */
export function tilesOf(problem: Conv2dProblem, { WGX, WGY, TM, TN }: Tunables): number {
  const { groups, rows, planes, positions } = productOf(problem);
  return groups * Math.ceil(rows / (WGY * TM)) * Math.ceil((planes * positions) / (WGX * TN));
}

/** Statements that find `tile_row`, `tile_column`, `layer` and `g`. Expects `group` (workgroup id). */
export const productPlace = ({ WGX, WGY, TM, TN }: Tunables): string => `let tile = i32(${WORKGROUP_NUMBER});
if (tile >= args.tiles) { return; }
let across = (args.columns + ${WGX * TN - 1}) / ${WGX * TN};
let down = (args.rows + ${WGY * TM - 1}) / ${WGY * TM};
let tile_row = u32(tile / across % down * ${WGY * TM});
let tile_column = u32(tile % across * ${WGX * TN});
let layer = tile / (across * down);
let g = layer % args.groups;`;

/**
 * Statements that store a block's sums: finished into `result`, or as they are into the slice of `slices` that the layer belongs to. With `quads`
 * four neighbours of a row are one vec4 of the target.
 */
export function storeColumns(target: 'result' | 'slices', { TM, TN }: Tunables, quads: boolean): string {
  const width = quads ? 4 : 1;
  const sum = (i: number, j: number) => `sum_${i}_${Math.floor(j / 4)}.${'xyzw'[j % 4]}`;
  const value = (i: number, j: number) => (target === 'slices' ? sum(i, j) : `finished(${sum(i, j)}, row, element + ${j % width})`);
  const values = (i: number, j: number) => Array.from({ length: width }, (_, c) => value(i, j + c));
  const store = (i: number, j: number) =>
    width === 4 ? `${target}[element / 4] = vec4(${values(i, j).join(', ')});` : `${target}[element] = ${value(i, j)};`;
  return `let start = g * args.result_group${target === 'slices' ? ' + layer / args.groups * args.elements' : ''};
${lines(TN / width, (s) => {
  const j = s * width;
  return `{
let column = i32(tile_column + block_column + ${j});
let column_at = start + column / args.positions * args.result_plane + column % args.positions;
${lines(TM, (i) => {
  const row = target === 'slices' ? '' : `let row = g * args.rows + of_group;\n`;
  return `{
let of_group = i32(tile_row + block_row + ${i});
if (column < args.columns && of_group < args.rows) {
${row}let element = column_at + of_group * args.result_row;
${store(i, j)}
}
}`;
})}
}`;
})}`;
}

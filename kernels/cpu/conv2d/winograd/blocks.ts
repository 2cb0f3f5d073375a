// The task of a forward pass or an input gradient: image.ts has the whole picture.

import { epilogueOperands } from '../../../correlation.ts';
import type { Entry, Tunables } from '../../../kernel.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import { advance, call, i32, if_, type Local, local, loopWhileBelow, min, set, type Task, task } from '../../assembly.ts';
import { acrossRoutine, downRoutine } from './analysis.ts';
import { filterRoutine } from './filter.ts';
import { type OutputTile, transforms } from './matrices.ts';
import { productRoutine } from './product.ts';
import { clearRoutine, placeColumns, quadTableRoutine, rowTableRoutine, stagePitch } from './stage.ts';
import { backRoutine, outRoutine } from './synthesis.ts';

/** Areas of a thread's scratch. */
export const IMAGE_AREAS = ['rowsIn', 'rowsOut', 'quads', 'zeros', 'dump', 'stage', 'v', 'm', 'u'] as const;
const ARGUMENTS = [
  ...['perThread', ...IMAGE_AREAS, 'columnBlocks', 'rowBlocks', 'filterBlocks', 'blockColumns', 'blockRows', 'blockFilters'],
  ...['tileColumns', 'tileRows', 'allRows', 'rows', 'depth', 'planeU', 'planeV', 'planeM', 'partFilters', 'rowBytes', 'stepBytes'],
  ...['height', 'width', 'offsetY', 'offsetX', 'imageBytes', 'planeBytes'],
  ...['resultHeight', 'resultWidth', 'resultBytes'],
];

/** The buffers of the entry: image, filter (transformed or as it is), what the epilogue reads, result, scratch. */
export const imageBuffers = (problem: Conv2dProblem, [image, filter, result]: readonly [string, string, string]): string[] => [
  image,
  filter,
  ...epilogueOperands(problem),
  result,
  'scratch',
];

const LOCALS = {
  ...{ at: i32, firstRow: i32, count: i32, firstColumn: i32, columns: i32, firstFilter: i32, filters: i32, group: i32 },
  ...{ full: i32, half: i32, quads: i32, tiles: i32, left: i32, begin: i32, bytes: i32, plane: i32, index: i32, end: i32, to: i32 },
} as const;
type Names = Record<keyof typeof LOCALS | 'task' | 'thread', Local>;

/** One task is a block of tiles, of one group, and a block of filters. */
export function blocksTask(problem: Conv2dProblem, m: OutputTile, { MR, NR, KU, TB }: Tunables, fma: boolean): Task {
  const { epilogue } = problem;
  const { image: analysis, result: synthesis } = transforms(m, 3);
  const n = m + 2;
  const pitch = stagePitch(TB);
  const down = downRoutine({ matrix: analysis, pitch, fma });
  const across = acrossRoutine({ matrix: analysis, pitch, fma });
  const product = productRoutine({ mr: MR, nr: NR, unroll: KU, planes: n * n, fma });
  const back = backRoutine({ matrix: synthesis, pitch, fma });
  const out = outRoutine({ matrix: synthesis, pitch, fma }, epilogue);
  const clear = clearRoutine(pitch);
  const isTurned = problem.pass === 'input-grad';
  const transform = filterRoutine(m, MR, isTurned, fma);
  const [rowsIn, rowsOut] = [rowTableRoutine(n), rowTableRoutine(m)];
  const quadTable = quadTableRoutine({ n, m, pitch, width: NR });
  const entry: Entry = {
    buffers: imageBuffers(problem, ['image', 'transformed', 'result']).map((name) => ({
      name,
      access: name === 'result' || name === 'scratch' ? 'write' : 'read',
    })),
    arguments: ARGUMENTS.map((name) => ({ name, type: 'i32' })),
  };

  return task(entry, LOCALS, (names, argument) => {
    placeBlock(names, argument);
    tabulate(names, argument);
    analyse(names, argument);
    const { firstFilter, filters, end } = names;
    set(end, i32.add(firstFilter, filters));
    loopWhileBelow(firstFilter, end, 1, () => {
      if (isTurned) takePart(names, argument);
      multiply(names, argument);
      synthesise(names, argument);
      // The loop itself counts one.
      advance(firstFilter, i32.sub(filters, 1));
    });
  });

  /** Transforms the next filters into scratch, where the plan says so. */
  function takePart({ firstFilter, filters, end, group, plane, index, at }: Names, argument: Record<string, Local>): void {
    const { partFilters, transformed, rows, depth, rowBytes, stepBytes, planeU, u } = argument;
    local.get(partFilters);
    if_({}, () => {
      set(filters, i32.sub(end, firstFilter));
      min(filters, filters, partFilters);
      set(plane, i32.add(transformed, i32.mul(group, i32.mul(depth, stepBytes))));
      set(index, i32.div_u(firstFilter, MR));
      set(at, i32.add(index, i32.div_u(i32.add(filters, MR - 1), MR)));
      call(transform, [plane, u, rows, depth, rowBytes, stepBytes, index, at, planeU]);
    });
  }

  /** Which groups, filters and tiles the task is; where the thread's scratch lies. */
  function placeBlock({ task, thread, ...names }: Names, argument: Record<string, Local>): void {
    const { scratch, perThread, columnBlocks, rowBlocks, filterBlocks, blockColumns, blockRows, blockFilters } = argument;
    const { firstColumn, columns, firstRow, count, firstFilter, filters, group, tiles, quads, full, half } = names;
    const dealt = (first: Local, some: Local, blocks: Local, size: Local, all: Local) => {
      set(first, i32.mul(i32.rem_u(task, blocks), size));
      set(task, i32.div_u(task, blocks));
      set(some, i32.sub(all, first));
      min(some, some, size);
    };
    dealt(firstColumn, columns, columnBlocks, blockColumns, argument.tileColumns);
    dealt(firstRow, count, rowBlocks, blockRows, argument.allRows);
    dealt(firstFilter, filters, filterBlocks, blockFilters, argument.rows);
    set(group, task);
    set(tiles, i32.mul(count, columns));
    set(full, i32.shr_u(i32.add(tiles, 7), 3));
    set(quads, i32.shl(full, 1));
    if (NR === 16) {
      set(half, i32.and(full, 1));
      set(full, i32.shr_u(full, 1));
    }
    advance(scratch, i32.mul(thread, perThread));
    for (const name of IMAGE_AREAS) advance(argument[name], scratch);
  }

  function tabulate({ firstRow, count, tiles, columns, full, quads, at }: Names, argument: Record<string, Local>): void {
    const { tileRows, allRows, height, offsetY, imageBytes, width, resultHeight, resultWidth, resultBytes, stage, zeros } = argument;
    call(rowsIn, [argument.rowsIn, firstRow, count, tileRows, allRows, height, m, offsetY, imageBytes, i32.shl(width, 2)]);
    call(rowsOut, [argument.rowsOut, firstRow, count, tileRows, allRows, resultHeight, m, 0, resultBytes, i32.shl(resultWidth, 2)]);
    call(quadTable, [argument.quads, quads, tiles, columns, full, i32.mul(count, n * pitch)]);
    set(at, i32.add(16, i32.shl(columns, m === 4 ? 4 : 3)));
    set(at, i32.and(i32.add(at, 15), -16));
    call(clear, [stage, i32.mul(i32.add(count, 1), n), at]);
    call(clear, [zeros, 1, at]);
  }

  function analyse(names: Names, argument: Record<string, Local>): void {
    const { firstColumn, columns, group, left, begin, bytes, plane, index, count, quads } = names;
    const { image, offsetX, width, depth, planeBytes, stage, zeros } = argument;
    placeColumns(
      { begin, left, bytes, spare: index },
      () => i32.sub(i32.mul(firstColumn, m), offsetX),
      () => i32.add(i32.mul(columns, m), n - m),
      width,
    );
    set(plane, i32.add(image, i32.mul(i32.mul(group, depth), planeBytes)));
    advance(plane, begin);
    set(index, 0);
    loopWhileBelow(index, depth, 1, () => {
      call(down, [plane, argument.rowsIn, count, i32.add(stage, left), bytes, zeros, n * pitch]);
      call(across, [stage, argument.quads, quads, argument.v, i32.mul(depth, 4 * NR), index, argument.planeV]);
      advance(plane, planeBytes);
    });
  }

  function multiply({ group, firstFilter, filters, full, half, plane, index }: Names, argument: Record<string, Local>): void {
    const { transformed, depth, planeU, planeV, planeM, partFilters, u } = argument;
    set(plane, i32.add(transformed, i32.mul(i32.mul(group, n * n), planeU)));
    advance(plane, i32.mul(firstFilter, i32.shl(depth, 2)));
    local.get(partFilters);
    if_({}, () => set(plane, u));
    set(index, i32.div_u(i32.add(filters, MR - 1), MR));
    call(product, [plane, argument.v, argument.m, index, depth, full, half, planeU, planeV, planeM]);
  }

  function synthesise(names: Names, argument: Record<string, Local>): void {
    const { group, firstColumn, firstFilter, filters, columns, count, quads, bytes, plane, index, left, at, to } = names;
    const { stage, rows, planeM, resultWidth, resultHeight, result, dump } = argument;
    set(bytes, i32.sub(resultWidth, i32.mul(firstColumn, m)));
    set(index, i32.mul(columns, m));
    min(bytes, bytes, index);
    set(bytes, i32.shl(bytes, 2));
    // Rows of M in a strip: whole strips of MR.
    set(left, i32.mul(i32.div_u(i32.add(filters, MR - 1), MR), 4 * MR * NR));
    set(at, i32.shl(i32.mul(resultWidth, resultHeight), 2));
    set(plane, i32.add(i32.mul(group, rows), firstFilter));
    if (epilogue.bias) advance(argument.bias, i32.shl(plane, 2));
    set(plane, i32.add(i32.mul(plane, at), i32.shl(i32.mul(firstColumn, m), 2)));
    set(to, i32.add(result, plane));
    if (epilogue.residual) advance(argument.residual, plane);
    set(index, 0);
    loopWhileBelow(index, filters, 1, () => {
      call(back, [argument.m, argument.quads, quads, stage, left, index, planeM]);
      const added = [epilogue.bias ? argument.bias : 0, epilogue.residual ? argument.residual : 0];
      call(out, [stage, argument.rowsOut, count, n * pitch, bytes, to, dump, ...added]);
      advance(to, at);
      if (epilogue.bias) advance(argument.bias, 4);
      if (epilogue.residual) advance(argument.residual, at);
    });
  }
}

// Forward and input-grad: a task is a block of tiles and a block of filters, from the image to the result.
//
//   for each channel:        rows of the image ──Bᵀ down──▶ stage ──Bᵀ across──▶ V, n x n planes, in strips of NR tiles
//   for each of n x n:       M = U · V                                             the packed filters stream through the second-level cache
//   for each filter:         M ──Aᵀ across──▶ stage ──Aᵀ down, epilogue──▶ rows of the result
//
// Where an input gradient has one block of tiles, its filters are transformed some at a time, used, and forgotten.
// V, M and the stage are a thread's own, and small enough for its second-level cache where channels are few.

import { correlationOf } from '../../../correlation.ts';
import type { Pass, Plan, Traits, Tunables } from '../../../kernel.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import { areas, type Blocking, blockingOf, paddedTiles, stageAreas } from './blocking.ts';
import { IMAGE_AREAS, imageBuffers } from './blocks.ts';
import { filterExtent, filterPass, filterPlane, filterStrides } from './filter.ts';
import type { OutputTile } from './matrices.ts';

/** Bytes of transformed filters that are made and used while they are in the second-level cache. */
const PART_BYTES = 1.5e6;

/**
 * Passes and workspace: the transformed filter, n²/9 of the filter's size; for each thread V and M, 4·n²·(channels + filters) bytes for each of at most TB tiles
 * of a block, and a stage of n rows for each of its rows of tiles.
 */
export function imagePlan(problem: Conv2dProblem, m: OutputTile, { MR, TB }: Tunables, traits: Traits): Plan {
  const { image, result, vertical, horizontal, imageSteps } = correlationOf(problem);
  const { rows, depth } = filterExtent(problem);
  const blocking = blockingOf({ vertical, horizontal }, problem.batch, m, TB);
  const { columnBlocks, rowBlocks } = blocking;
  const filterBlocks = filterBlocksFor(problem.groups * columnBlocks * rowBlocks, Math.ceil(rows / MR), traits.limits.threads);
  const blockFilters = Math.ceil(Math.ceil(rows / MR) / filterBlocks) * MR;
  const planes = (m + 2) ** 2;
  const planeV = 4 * paddedTiles(blocking) * depth + 64;
  const partFilters = isUsedOnce(problem, blocking, 4 * planes * rows * depth) ? partOf(blockFilters, 4 * planes * depth, MR) : 0;
  const planeM = 4 * paddedTiles(blocking) * (partFilters || blockFilters) + 64;
  const planeU = filterPlane(partFilters || rows, depth, MR);
  const scratch = areas({ ...stageAreas(blocking, m, TB), v: planes * planeV, m: planes * planeM, u: partFilters && planes * planeU });
  const filter = filterPass(problem, m, MR);
  const { rowBytes, stepBytes } = filterStrides(problem);
  // Forward reads element y + u − before, its gradient y − v + before: from the lowest on, y − (2 − before).
  const offset = (reach: typeof vertical) => reach.offset - Math.min(0, 2 * reach.tapStep);
  const blocks: Pass = {
    entry: 'blocks',
    buffers: imageBuffers(problem, [image, partFilters ? 'filter' : 'transformed', result]),
    arguments: [
      ...[scratch.bytes, ...IMAGE_AREAS.map((name) => scratch[name]), columnBlocks, rowBlocks, filterBlocks],
      ...[blocking.blockColumns, blocking.blockRows, blockFilters, blocking.tileColumns, blocking.tileRows, blocking.allRows],
      ...[rows, depth, planeU, planeV, planeM, partFilters, rowBytes, stepBytes],
      ...[vertical.extent, horizontal.extent, offset(vertical), offset(horizontal), 4 * imageSteps.a, 4 * imageSteps.q],
      ...[vertical.positions, horizontal.positions, 4 * rows * problem.groups * vertical.positions * horizontal.positions],
    ],
    grid: [problem.groups * filterBlocks * rowBlocks * columnBlocks, 1, 1],
  };
  const perThread = traits.limits.threads * scratch.bytes;
  if (partFilters) return { passes: [blocks], workspace: { scratch: perThread } };
  return { passes: [filter.pass, blocks], workspace: { transformed: filter.bytes, scratch: perThread } };
}

/** Where tiles alone give threads too little to share, filters are cut as well; each block then transforms its image anew. */
function filterBlocksFor(tasks: number, strips: number, threads: number): number {
  if (threads === 1 || tasks >= 2 * threads) return 1;
  return Math.min(strips, Math.ceil(threads / tasks));
}

/** Whether the transformed filter would be written to memory and read back once: an input gradient of one block of tiles, whose filter is not constant. */
const isUsedOnce = ({ pass }: Conv2dProblem, { columnBlocks, rowBlocks }: Blocking, bytes: number): boolean =>
  pass === 'input-grad' && columnBlocks * rowBlocks === 1 && bytes > PART_BYTES;

/** Rows of U that are transformed and used together: whole strips, `rowBytes` for each row in all planes. */
const partOf = (rows: number, rowBytes: number, mr: number): number =>
  Math.max(1, Math.min(rows / mr, Math.floor(PART_BYTES / (rowBytes * mr)))) * mr;

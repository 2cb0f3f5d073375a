// filter-grad: F(3x3, m x m). A tile of the output's gradient is the filter, and the sum goes over tiles and images, in the transformed domain.
//
//   dW = Aᵀ [Σ over tiles of (G y Gᵀ) ⊙ (Bᵀ d B)] A        d: n x n of the input, y: m x m of the output's gradient, dW: 3 x 3
//
//   for each block of tiles:   4 channels of the input ──Bᵀ──▶ V, strips of NR channels, tile by tile       four channels are the lanes of a vector
//                              outputGrad, a filter ──G──▶ D, a row of tiles                                 four tiles are
//     for each of n x n:       M += D · V           filters x tiles times tiles x channels
//   then, for each filter:     M ──Aᵀ──▶ filterGrad, split after split
//
// A task is a block of filters and a split: every so-manieth block of tiles. Splits depend on the problem alone, so that sums have one order whatever the
// number of threads. Where there is one block of tiles, some filters at a time go all the way while their sums are in the cache, and M is not needed. Workspace: M, n²/9 of the filter's size for each split, at most SPLIT_BYTES or one; V and D, a block of tiles for each thread.

import { correlationOf } from '../../../correlation.ts';
import type { Pass, Plan, Traits, Tunables } from '../../../kernel.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import { windowReach } from '../../../problems/window.ts';
import { areas, type Blocking, blockingOf } from './blocking.ts';
import type { OutputTile } from './matrices.ts';
import { QUAD_BYTES, stagePitch } from './stage.ts';
import { SUM_AREAS } from './sums.ts';

/** Bytes that splits of M may have together. */
const SPLIT_BYTES = 5e6;
const MOST_SPLITS = 4;
/** Bytes of the sums of some filters that go all the way together. */
const PART_BYTES = 1e6;
/** Sizes that plan and estimate share. */
export function filterGradSizes(problem: Conv2dProblem, m: OutputTile, { MR, NR, TB }: Tunables) {
  const vertical = windowReach(problem.vertical);
  const horizontal = windowReach(problem.horizontal);
  const [channels, filters] = [problem.channels / problem.groups, problem.filters / problem.groups];
  const blocking: Blocking = blockingOf({ vertical, horizontal }, problem.batch, m, TB);
  const blocks = blocking.rowBlocks * blocking.columnBlocks;
  const planes = (m + 2) ** 2;
  const rowM = 4 * Math.ceil(channels / NR) * NR;
  const planeM = Math.ceil(filters / MR) * MR * rowM + 64;
  const splits = Math.max(1, Math.min(MOST_SPLITS, blocks, Math.floor(SPLIT_BYTES / (problem.groups * planes * planeM))));
  return { vertical, horizontal, channels, filters, blocking, blocks, planes, rowM, planeM, splits };
}

export function filterGradPlan(problem: Conv2dProblem, m: OutputTile, tunables: Tunables, traits: Traits): Plan {
  const { MR, NR, TB } = tunables;
  const { vertical, horizontal, channels, filters, blocking, blocks, planes, rowM, planeM, splits } = filterGradSizes(problem, m, tunables);
  const { groups } = problem;
  const { imageSteps } = correlationOf({ ...problem, pass: 'forward' });
  const [strips, wanted] = [Math.ceil(filters / MR), Math.ceil(traits.limits.threads / (splits * groups))];
  const blockFilters = Math.ceil(strips / Math.min(strips, wanted)) * MR;
  const filterBlocks = Math.ceil(filters / blockFilters);
  const tiles = blocking.blockRows * blocking.blockColumns;
  const planeV = 4 * Math.ceil(channels / NR) * NR * tiles + 64;
  const planeD = 4 * blockFilters * TB + 64;
  const n = m + 2;
  const isWhole = blocks === 1;
  const partFilters = isWhole ? Math.max(1, Math.min(blockFilters / MR, Math.floor(PART_BYTES / (planes * rowM * MR)))) * MR : 0;
  const partPlane = partFilters * rowM + 64;
  const scratch = areas({
    rowsIn: 4 * n * blocking.blockRows,
    rowsOut: 4 * m * blocking.blockRows,
    tiles: QUAD_BYTES * tiles,
    quads: QUAD_BYTES * Math.ceil(tiles / 4),
    zeros: 4 * (m * blocking.blockColumns + 8),
    stage: 4 * blocking.blockRows * n * stagePitch(TB),
    v: planes * planeV,
    d: planes * planeD,
    part: isWhole ? planes * partPlane : 0,
  });
  const sums: Pass = {
    entry: 'sums',
    buffers: ['input', 'outputGrad', isWhole ? 'filterGrad' : 'sums', 'scratch'],
    arguments: [
      ...[scratch.bytes, ...SUM_AREAS.map((name) => scratch[name]), splits, filterBlocks, blocks, blocking.columnBlocks],
      ...[blocking.blockColumns, blocking.blockRows, blockFilters, blocking.tileColumns, blocking.tileRows, blocking.allRows],
      ...[filters, channels, groups, planeV, planeD, planeM, rowM, partFilters, partPlane],
      ...[vertical.extent, horizontal.extent, vertical.offset, horizontal.offset, 4 * imageSteps.a, 4 * imageSteps.q],
      ...[vertical.positions, horizontal.positions, 4 * problem.filters * vertical.positions * horizontal.positions],
    ],
    grid: [splits * groups * filterBlocks, 1, 1],
  };
  const perThread = traits.limits.threads * scratch.bytes;
  if (isWhole) return { passes: [sums], workspace: { scratch: perThread } };
  const inverse: Pass = {
    entry: 'inverse',
    buffers: ['sums', 'filterGrad'],
    arguments: [splits, groups, filters, channels, planeM, rowM],
    grid: [groups * filters, 1, 1],
  };
  return {
    passes: [sums, inverse],
    workspace: { sums: splits * groups * planes * planeM, scratch: perThread },
  };
}

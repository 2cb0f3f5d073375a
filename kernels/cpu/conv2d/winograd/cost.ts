// What Winograd really executes, and about how long that takes.

import { conv2dCost, correlationOf } from '../../../correlation.ts';
import type { Cost, Traits, Tunables } from '../../../kernel.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import { threadsFor } from '../../threading.ts';
import { blockingOf, TILES_AT_ONCE } from './blocking.ts';
import { filterExtent } from './filter.ts';
import { operationsOf } from './linear.ts';
import { type OutputTile, transforms } from './matrices.ts';

/** Operations of a pass by its parts, and bytes of transformed filters, read or summed for each block of tiles. */
function workOf(problem: Conv2dProblem, m: OutputTile, { MR, NR, TB }: Tunables) {
  const isFilterGrad = problem.pass === 'filter-grad';
  const { vertical, horizontal } = correlationOf(isFilterGrad ? { ...problem, pass: 'forward' } : problem);
  const { rows, depth } = filterExtent(problem);
  const blocking = blockingOf({ vertical, horizontal }, problem.batch, m, TB);
  const blocks = blocking.columnBlocks * blocking.rowBlocks;
  const tiles = blocking.allRows * blocking.tileColumns;
  const n = m + 2;
  const { image, taps, result } = transforms(m, 3);
  const grad = transforms(3, m);
  const { groups } = problem;
  const toWhole = (extent: number, unit: number) => Math.ceil(extent / unit) * unit;
  const lanes = isFilterGrad ? toWhole(depth, NR) * tiles : depth * blocks * toWhole(tiles / blocks, TILES_AT_ONCE);
  // Of a tile of an image: down its own columns, and across each of n rows; of a result the other way round.
  const [ofFilters, ofResult] = isFilterGrad
    ? [(n + 3) * operationsOf(grad.result, 'columns'), (m + n) * operationsOf(grad.taps, 'rows')]
    : [(3 + n) * operationsOf(taps, 'rows'), (n + m) * operationsOf(result, 'columns')];
  return {
    products: 2 * groups * n * n * toWhole(rows, MR) * lanes,
    tileTransforms: groups * tiles * (depth * (m + n) * operationsOf(image, 'rows') + rows * ofResult),
    filterTransforms: groups * rows * depth * ofFilters,
    filterBytes: 4 * n * n * groups * rows * depth,
    blocks,
  };
}

/** The direct algorithm's operations, and those that are really done: products of whole tiles, and the transforms. */
export function winogradCost(problem: Conv2dProblem, m: OutputTile, tunables: Tunables): Cost {
  const { products, tileTransforms, filterTransforms } = workOf(problem, m, tunables);
  return { ...conv2dCost(problem), executedFlops: products + tileTransforms + filterTransforms };
}

/**
 * Measured, in round numbers: products at the register tile's rate; transforms at about the same, though they move much and multiply little; the filters
 * once from memory for each block of tiles, and written and read once more where they change from run to run.
 */
export function winogradEstimate(
  problem: Conv2dProblem,
  m: OutputTile,
  tunables: Tunables,
  traits: Traits,
  constants: readonly string[],
): number {
  const { products, tileTransforms, filterTransforms, filterBytes, blocks } = workOf(problem, m, tunables);
  const rate = traits.features.has('revectorize') ? 95e9 : 47e9;
  const streamed = filterBytes > 1e6 ? (filterBytes * blocks) / 30e9 : 0;
  const preparing = constants.includes('filter') ? 0 : filterTransforms / 10e9 + filterBytes / 8e9;
  return 8e-6 + (products / rate + tileTransforms / 25e9 + streamed + preparing) / threadsFor(conv2dCost(problem), traits);
}

// What Winograd really executes, and about how long that takes.

import { conv2dCost, correlationOf } from '../../../correlation.ts';
import type { Cost, Traits, Tunables } from '../../../kernel.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import { threadsFor } from '../../threading.ts';
import { blockingOf, TILES_AT_ONCE } from './blocking.ts';
import { filterExtent } from './filter.ts';
import { operationsOf } from './linear.ts';
import { type OutputTile, transforms } from './matrices.ts';

/** Work of a forward pass or an input gradient, by its parts. */
function workOf(problem: Conv2dProblem, m: OutputTile, { MR, TB }: Tunables) {
  const { vertical, horizontal } = correlationOf(problem);
  const { rows, depth } = filterExtent(problem);
  const blocking = blockingOf({ vertical, horizontal }, problem.batch, m, TB);
  const blocks = blocking.columnBlocks * blocking.rowBlocks;
  const tiles = blocking.allRows * blocking.tileColumns;
  const padded = blocks * Math.ceil(tiles / blocks / TILES_AT_ONCE) * TILES_AT_ONCE;
  const n = m + 2;
  const { image, taps, result } = transforms(m, 3);
  const { groups } = problem;
  return {
    products: 2 * groups * n * n * padded * Math.ceil(rows / MR) * MR * depth,
    // Down the columns of a tile that are its own, and across each of its n rows; back, the other way round.
    images: groups * tiles * depth * (m + n) * operationsOf(image, 'rows'),
    results: groups * tiles * rows * (n + m) * operationsOf(result, 'columns'),
    filters: groups * rows * depth * (3 + n) * operationsOf(taps, 'rows'),
    transformedBytes: 4 * n * n * groups * rows * depth,
    blocks,
  };
}

/** The direct algorithm's operations, and those that are really done: products of whole tiles, and the transforms. */
export function winogradCost(problem: Conv2dProblem, m: OutputTile, tunables: Tunables): Cost {
  const { products, images, results, filters } = workOf(problem, m, tunables);
  return { ...conv2dCost(problem), executedFlops: products + images + results + filters };
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
  const { products, images, results, filters, transformedBytes, blocks } = workOf(problem, m, tunables);
  const rate = traits.features.has('revectorize') ? 95e9 : 47e9;
  const isPrepared = constants.includes('filter');
  const streamed = transformedBytes > 1e6 ? (transformedBytes * blocks) / 30e9 : 0;
  const preparing = isPrepared ? 0 : filters / 10e9 + transformedBytes / 8e9;
  return 8e-6 + (products / rate + (images + results) / 25e9 + streamed + preparing) / threadsFor(conv2dCost(problem), traits);
}

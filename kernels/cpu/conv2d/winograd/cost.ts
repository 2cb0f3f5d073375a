// What Winograd really executes, and about how long that takes.

import { conv2dCost, correlationOf } from '../../../correlation.ts';
import type { Cost, Traits, Tunables } from '../../../kernel.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import { threadsWorth } from '../../threading.ts';
import { blockingOf, TILES_AT_ONCE } from './blocking.ts';
import { filterExtent } from './filter.ts';
import { operationsOf } from './linear.ts';
import { type OutputTile, transforms } from './matrices.ts';

/** Operations of a pass by its parts, and bytes of transformed filters, read or summed for each block of tiles. */
function workOf(problem: Conv2dProblem, m: OutputTile, { MR, NR, TB }: Tunables, halfStrip = 0.5) {
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
  const columns = (some: number) => {
    const strips = Math.ceil(some / TILES_AT_ONCE) / (NR / TILES_AT_ONCE);
    return NR * (Math.floor(strips) + (Number.isInteger(strips) ? 0 : halfStrip));
  };
  const lanes = isFilterGrad ? toWhole(depth, NR) * tiles : depth * blocks * columns(tiles / blocks);
  // Of a tile of an image: down its own columns, and across each of n rows; of a result the other way round.
  const [ofFilters, ofResult] = isFilterGrad
    ? [(n + 3) * operationsOf(grad.result, 'columns'), (m + n) * operationsOf(grad.taps, 'rows')]
    : [(3 + n) * operationsOf(taps, 'rows'), (n + m) * operationsOf(result, 'columns')];
  return {
    products: 2 * groups * n * n * toWhole(rows, MR) * lanes,
    tileTransforms: groups * tiles * (depth * (m + n) * operationsOf(image, 'rows') + rows * ofResult),
    filterTransforms: groups * rows * depth * ofFilters,
    elements: n * n * groups * tiles * (depth + rows),
    imageBytes: 4 * m * m * groups * tiles * (depth + rows),
    filterBytes: 4 * n * n * groups * rows * depth,
    blocks,
  };
}

/** The direct algorithm's operations, and those that are really done: products of whole tiles, and the transforms. */
export function winogradCost(problem: Conv2dProblem, m: OutputTile, tunables: Tunables): Cost {
  const { products, tileTransforms, filterTransforms } = workOf(problem, m, tunables);
  return { ...conv2dCost(problem), executedFlops: products + tileTransforms + filterTransforms };
}

/** A strip of half the width takes this much of a whole one's time: its tile has half the arithmetic for almost as many loads. */
const HALF_STRIP = 0.7;
/** Measured, in round numbers: moving an element of a tile through both directions of a transform; images from memory and results to it. */
const SECONDS_PER_ELEMENT = 0.18e-9;
const IMAGE_BYTES_PER_SECOND = 8e9;

/** Bytes per second of transformed filters: read for each block of tiles, and made from filters or turned into their gradient. */
function filterRates(bytes: number): { read: number; made: number } {
  if (bytes < 1.2e6) return { read: Number.POSITIVE_INFINITY, made: 20e9 };
  return bytes < 4e6 ? { read: 25e9, made: 20e9 } : { read: bytes < 12e6 ? 25e9 : 13e9, made: 8e9 };
}

/** Products at the register tile's rate; transforms by the elements that they move; images, results and filters by where they come from. */
export function winogradEstimate(
  problem: Conv2dProblem,
  m: OutputTile,
  tunables: Tunables,
  traits: Traits,
  constants: readonly string[],
): number {
  const { products, elements, imageBytes, filterBytes, blocks } = workOf(problem, m, tunables, HALF_STRIP);
  const rate = traits.features.has('revectorize') ? 97e9 : 48e9;
  const { read, made } = filterRates(filterBytes);
  const isPrepared = problem.pass === 'forward' && constants.includes('filter');
  const ofFilters =
    problem.pass !== 'forward' && blocks === 1
      ? // Made, used and forgotten in the cache.
        1 / Math.min(made, 10e9)
      : problem.pass === 'filter-grad'
        ? // Sums are read and written for each block but the first, then turned into the gradient.
          (2 * (blocks - 1)) / read + 2 / made
        : blocks / read + (isPrepared ? 0 : 1 / made);
  const images = elements * SECONDS_PER_ELEMENT + (imageBytes > 1e6 ? imageBytes / IMAGE_BYTES_PER_SECOND : 0);
  return 5e-6 + (products / rate + images + ofFilters * filterBytes) / threadsWorth(conv2dCost(problem), traits);
}

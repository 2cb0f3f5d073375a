// How the tiles of a convolution are cut into blocks: whole rows of tiles where they are short, counted over all images; and what a block needs of scratch.

import type { Correlation } from '../../../correlation.ts';
import type { OutputTile } from './matrices.ts';
import { QUAD_BYTES, stagePitch } from './stage.ts';

/** Strips are whole, or half of 16 tiles: blocks are filled up to this many. */
export const TILES_AT_ONCE = 8;

export interface Blocking {
  /** Tiles across a plane of the result, and rows of tiles down. */
  readonly tileColumns: number;
  readonly tileRows: number;
  /** Rows of tiles of all images. */
  readonly allRows: number;
  /** Tiles of a block. */
  readonly blockColumns: number;
  readonly blockRows: number;
  readonly columnBlocks: number;
  readonly rowBlocks: number;
}

/** What a block costs by itself, and a row of tiles of it (its overlap with the next block), in tiles' worth of work. */
const BLOCK_COST = 3;
const ROW_COST = 0.25;

/** Blocks of at most `most` tiles, as near to whole strips as there are. */
export function blockingOf(
  { vertical, horizontal }: Pick<Correlation, 'vertical' | 'horizontal'>,
  images: number,
  m: OutputTile,
  most: number,
): Blocking {
  const [tileRows, tileColumns] = [Math.ceil(vertical.positions / m), Math.ceil(horizontal.positions / m)];
  const allRows = tileRows * images;
  const ofBlock = (rows: number, columns: number) =>
    rows * columns === 0 ? 0 : Math.ceil((rows * columns) / TILES_AT_ONCE) * TILES_AT_ONCE + BLOCK_COST + ROW_COST * rows;
  const ofRows = (rows: number, columns: number) =>
    Math.floor(tileColumns / columns) * ofBlock(rows, columns) + ofBlock(rows, tileColumns % columns);
  let [best, blockRows, blockColumns] = [Number.POSITIVE_INFINITY, 1, 1];
  for (let columnBlocks = Math.ceil(tileColumns / most), last = 0; columnBlocks <= tileColumns; columnBlocks++) {
    const columns = Math.ceil(tileColumns / columnBlocks);
    if (columns === last) continue;
    last = columns;
    for (let rows = 1; rows <= Math.min(allRows, Math.floor(most / columns)); rows++) {
      const cost = Math.floor(allRows / rows) * ofRows(rows, columns) + ofRows(allRows % rows, columns);
      if (cost < best) [best, blockRows, blockColumns] = [cost, rows, columns];
    }
  }
  return {
    ...{ tileColumns, tileRows, allRows, blockColumns, blockRows },
    columnBlocks: Math.ceil(tileColumns / blockColumns),
    rowBlocks: Math.ceil(allRows / blockRows),
  };
}

/** Tiles of a block, with those that fill its last strip. */
export const paddedTiles = ({ blockRows, blockColumns }: Blocking): number =>
  Math.ceil((blockRows * blockColumns) / TILES_AT_ONCE) * TILES_AT_ONCE;

const toLine = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** Consecutive areas of a thread's scratch: their offsets by name, and `bytes`, their sum. */
export function areas<N extends string>(sizes: Readonly<Record<N, number>>): Record<N | 'bytes', number> {
  let bytes = 0;
  const offsets = Object.entries<number>(sizes).map(([name, size]) => {
    const offset = bytes;
    bytes += toLine(size);
    return [name, offset];
  });
  return { ...Object.fromEntries(offsets), bytes };
}

/** Sizes of the areas that transforming a block through the stage needs. */
export const stageAreas = (blocking: Blocking, m: OutputTile, most: number) => ({
  rowsIn: 4 * (m + 2) * blocking.blockRows,
  rowsOut: 4 * m * blocking.blockRows,
  quads: (QUAD_BYTES * paddedTiles(blocking)) / 4,
  // A row of zeros to read from, and one to write to what does not exist.
  zeros: 4 * (m * blocking.blockColumns + 4),
  dump: 4 * (m * blocking.blockColumns + 4),
  // One row of tiles more, for tiles that do not exist.
  stage: (blocking.blockRows + 1) * (m + 2) * stagePitch(most),
});

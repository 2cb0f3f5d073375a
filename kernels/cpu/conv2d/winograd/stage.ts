// The stage is where a block of tiles is transformed in one direction: rows of a plane, so that the vertical transforms are of long vectors, without shuffles.
//
//   image, one channel                    stage: n rows for each row of tiles               planes: n x n, four tiles a vector
//     rows 4y − pad .. + 5   Bᵀ · (down)     a b c d e f g h i j ..           Bᵀ (across)      V[i, j] of tiles 0 1 2 3
//     zeros outside          ─────────▶      tile 0: a .. f, tile 1: e .. j   ──────────▶      stored where the product's tile reads them
//
//   result: the same backwards, with Aᵀ: planes ──▶ stage, n rows of m columns a tile ──▶ m rows of the result, with its epilogue
//
// A tile's column 0 lies m·t elements into its rows in both; so one table of offsets serves both ways.

import {
  advance,
  block,
  br_if,
  i32,
  if_,
  type Local,
  loop,
  loopWhileBelow,
  type Routine,
  repeat,
  routine,
  set,
  type Value,
  v128,
} from '../../assembly.ts';

/** Bytes of a quad's entry: offsets of its four tiles in the stage; then strip, byte in a row of the strip, bytes from one row of the strip to the next. */
export const QUAD_BYTES = 32;
export const QUAD = { strip: 16, lane: 20, step: 24 } as const;

/**
 * Bytes from one row of the stage to the next, for blocks of at most `tiles` tiles, a multiple of 4: four elements a tile, the tiles' overlap, and no multiple
 * of a cache line, so that rows meet different sets of the cache.
 */
export const stagePitch = (tiles: number): number => 16 * tiles + 32;

/** How many floats are handled at once: two vectors, one, or a single lane of one. */
export type Piece = 'pair' | 'vector' | 'lane';

/** Emits `body` for all of `bytes` bytes in the largest pieces; the last vector may overlap the one before it. `at` counts up in bytes. */
export function alongRow(at: Local, bytes: Local, body: (piece: Piece) => void): void {
  set(at, 0);
  const whileFits = (size: number, piece: Piece) =>
    block({}, () => {
      i32.gt_u(i32.add(at, size), bytes);
      br_if(0);
      loop({}, () => {
        body(piece);
        advance(at, size);
        i32.le_u(i32.add(at, size), bytes);
        br_if(0);
      });
    });
  whileFits(32, 'pair');
  whileFits(16, 'vector');
  i32.lt_u(at, bytes);
  if_({}, () => {
    i32.ge_u(bytes, 16);
    if_({}, () => {
      set(at, i32.sub(bytes, 16));
      body('vector');
      set(at, bytes);
    });
    whileFits(4, 'lane');
  });
}

/** Loads a piece from `address` into the first of `vectors`. */
export function loadPiece(piece: Piece, vectors: readonly Local<'v128'>[], offset: number, address: () => Value): void {
  if (piece === 'lane') set(vectors[0], v128.load32_zero({ offset }, address()));
  else for (let v = 0; v < (piece === 'pair' ? 2 : 1); v++) set(vectors[v], v128.load({ offset: offset + 16 * v }, address()));
}

/** Stores a piece. */
export function storePiece(piece: Piece, vectors: readonly Local<'v128'>[], offset: number, address: () => Value): void {
  if (piece === 'lane') v128.store32_lane({ offset }, 0, address(), vectors[0]);
  else for (let v = 0; v < (piece === 'pair' ? 2 : 1); v++) v128.store({ offset: offset + 16 * v }, address(), vectors[v]);
}

const ROWS = {
  ...{ table: i32, first: i32, count: i32, tileRows: i32, last: i32, height: i32 },
  ...{ step: i32, offset: i32, imageBytes: i32, rowBytes: i32 },
} as const;
export const ROW_ARGUMENTS = Object.keys(ROWS) as (keyof typeof ROWS)[];

/**
 * Generates `tabulateRows(table, first, count, tileRows, last, height, step, offset, imageBytes, rowBytes)`: for rows of tiles `first` to `first + count - 1`,
 * counted over all images, the byte offsets of `perTile` rows of a plane each, from row (tile row)·step − offset on; −1 for rows outside of 0 to height − 1
 * and rows of tiles from `last` on.
 */
export function rowTableRoutine(perTile: number): Routine {
  return routine(ROWS, { r: i32, i: i32, y: i32, base: i32, value: i32 }, (names) => {
    const { table, first, count, tileRows, last, height, step, offset, imageBytes, rowBytes, r, i, y, base, value } = names;
    loopWhileBelow(r, count, 1, () => {
      set(base, i32.add(first, r));
      set(y, i32.sub(i32.mul(i32.rem_u(base, tileRows), step), offset));
      set(base, i32.mul(i32.div_u(base, tileRows), imageBytes));
      set(i, 0);
      loopWhileBelow(i, perTile, 1, () => {
        set(value, i32.add(base, i32.mul(y, rowBytes)));
        i32.or(i32.ge_u(y, height), i32.ge_u(i32.add(first, r), last));
        if_({}, () => set(value, -1));
        i32.store({}, table, value);
        advance(table, 4);
        advance(y, 1);
      });
    });
  });
}

const QUADS = { table: i32, quads: i32, tiles: i32, columns: i32, full: i32, nowhere: i32 } as const;

/**
 * Generates `tabulateQuads(table, quads, tiles, columns, full, nowhere)`: entries of quads of a block with `tiles` tiles, `columns` in a row. The first `full`
 * strips are `width` tiles wide, what is left of half the width. Tiles that do not exist lie at `nowhere`.
 */
export function quadTableRoutine(shape: { n: number; m: number; pitch: number; width: number }): Routine {
  const { n, m, pitch, width } = shape;
  return routine(QUADS, { q: i32, l: i32, tile: i32, value: i32, strip: i32 }, (names) => {
    const { table, quads, tiles, columns, full, nowhere, q, l, tile, value, strip } = names;
    loopWhileBelow(q, quads, 1, () => {
      set(l, 0);
      loopWhileBelow(l, 4, 1, () => {
        set(value, i32.add(i32.mul(i32.div_u(tile, columns), n * pitch), i32.mul(i32.rem_u(tile, columns), 4 * m)));
        i32.ge_u(tile, tiles);
        if_({}, () => set(value, nowhere));
        i32.store({}, i32.add(table, i32.shl(l, 2)), value);
        advance(tile, 1);
      });
      set(strip, i32.div_u(q, width / 4));
      i32.store({ offset: QUAD.strip }, table, strip);
      i32.store({ offset: QUAD.lane }, table, i32.shl(i32.rem_u(q, width / 4), 4));
      set(value, 4 * width);
      i32.ge_u(strip, full);
      if_({}, () => set(value, 2 * width));
      i32.store({ offset: QUAD.step }, table, value);
      advance(table, QUAD_BYTES);
    });
  });
}

/** Generates `clear(stage, rows, bytes)`: zeros in the first `bytes` bytes, a multiple of 16, of each of `rows` rows. */
export function clearRoutine(pitch: number): Routine {
  return routine({ stage: i32, rows: i32, bytes: i32 }, { at: i32, zero: v128 }, ({ stage, rows, bytes, at, zero }) => {
    set(zero, v128.const('i32x4', [0, 0, 0, 0]));
    repeat(rows, () => {
      set(at, 0);
      loopWhileBelow(at, bytes, 16, () => v128.store({}, i32.add(stage, at), zero));
      advance(stage, pitch);
    });
  });
}

/** Locals of `placeColumns`. */
interface Columns {
  /** Out: the byte of an image's row where the columns that exist begin. */
  readonly begin: Local;
  /** Out: the byte of a row of the stage where they go, from its first column on. */
  readonly left: Local;
  /** Out: how many bytes they are. */
  readonly bytes: Local;
  readonly spare: Local;
}

/**
 * Emits which columns of an image a block reads: `count`, from column `first` on, of which those below 0 and from `width` on do not exist. `first` may be
 * negative.
 */
export function placeColumns({ begin, left, bytes, spare }: Columns, first: () => Value, count: () => Value, width: Local): void {
  const atLeastZero = (value: Local) => {
    i32.lt_s(value, 0);
    if_({}, () => set(value, 0));
  };
  set(begin, first());
  set(left, i32.sub(0, begin));
  atLeastZero(left);
  set(bytes, count());
  set(spare, i32.sub(width, begin));
  i32.lt_s(spare, bytes);
  if_({}, () => set(bytes, spare));
  set(bytes, i32.sub(bytes, left));
  atLeastZero(bytes);
  set(begin, i32.shl(i32.add(begin, left), 2));
  set(left, i32.shl(left, 2));
  set(bytes, i32.shl(bytes, 2));
}

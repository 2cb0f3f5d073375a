// Shares are how the rows of an output are dealt to tasks: blocks of whole rows where there are many, pieces of each row where there are few.

/** The least elements that a piece of a row is worth. */
const LEAST_PIECE = 1024;

export interface Shares {
  readonly rowsPerTask: number;
  /** Pieces that each row is cut into; a task is one piece of `rowsPerTask` rows. */
  readonly pieces: number;
  /** Elements of a piece: whole cache lines. */
  readonly piece: number;
  readonly tasks: number;
}

/** About `wanted` tasks, or fewer. */
export function sharesOf(rows: number, columns: number, wanted: number): Shares {
  if (wanted === 1 || rows >= wanted || columns < 2 * LEAST_PIECE) {
    const rowsPerTask = Math.ceil(rows / wanted);
    return { rowsPerTask, pieces: 1, piece: columns, tasks: Math.ceil(rows / rowsPerTask) };
  }
  const share = Math.ceil(columns / Math.ceil(wanted / rows));
  const piece = Math.max(LEAST_PIECE, Math.ceil(share / 64) * 64);
  const pieces = Math.ceil(columns / piece);
  return { rowsPerTask: 1, pieces, piece, tasks: rows * pieces };
}

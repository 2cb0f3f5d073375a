// The filters of PNG (clause 9): each row begins with the number of the filter that predicted its bytes from the left, the row above, or both.

import { FormatError } from '../../formats/array.ts';

/** Takes the filters off rows of 1 + `length` bytes, in place; `step` is the distance to the pixel on the left. Throws a FormatError. */
export function unfilter(rows: Uint8Array, length: number, step: number): void {
  // Above the first row all is 0.
  let above: Uint8Array = new Uint8Array(length);
  for (let at = 0; at < rows.length; at += 1 + length) {
    const filter = rows[at];
    const row = rows.subarray(at + 1, at + 1 + length);
    if (filter === 1) left(row, step);
    else if (filter === 2) for (let i = 0; i < length; i++) row[i] += above[i];
    else if (filter === 3) average(row, above, step);
    else if (filter === 4) paeth(row, above, step);
    else if (filter !== 0)
      throw new FormatError(`png: row ${at / (1 + length)} has filter ${filter}, expected 0 to 4; the file is damaged`);
    above = row;
  }
}

function left(row: Uint8Array, step: number): void {
  for (let i = step; i < row.length; i++) row[i] += row[i - step];
}

function average(row: Uint8Array, above: Uint8Array, step: number): void {
  const first = Math.min(step, row.length);
  for (let i = 0; i < first; i++) row[i] += above[i] >> 1;
  for (let i = step; i < row.length; i++) row[i] += (row[i - step] + above[i]) >> 1;
}

/** Predicts by whichever of left a, above b and above left c is nearest to a + b - c, in this order where they tie. */
function paeth(row: Uint8Array, above: Uint8Array, step: number): void {
  const first = Math.min(step, row.length);
  for (let i = 0; i < first; i++) row[i] += above[i];
  for (let i = step; i < row.length; i++) {
    const a = row[i - step];
    const b = above[i];
    const c = above[i - step];
    // Distances of a, b and c from a + b - c.
    const fromA = Math.abs(b - c);
    const fromB = Math.abs(a - c);
    const fromC = Math.abs(a + b - 2 * c);
    row[i] += fromA <= fromB && fromA <= fromC ? a : fromB <= fromC ? b : c;
  }
}

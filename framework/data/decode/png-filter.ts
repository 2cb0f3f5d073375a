// The filters of PNG (clause 9): each row begins with the number of the filter that predicted its bytes from the left, the row above, or both.

import { FormatError } from '../../formats/array.ts';

/** Takes the filters off rows of 1 + `length` bytes, in place; `step` is the distance to the pixel on the left. Throws a FormatError. */
export function unfilter(rows: Uint8Array, length: number, step: number): void {
  for (let at = 0; at < rows.length; at += 1 + length) {
    const filter = rows[at];
    const [begin, end] = [at + 1, at + 1 + length];
    // Above the first row all is 0.
    const above = at === 0 ? -1 : at - length;
    if (filter === 1) for (let i = begin + step; i < end; i++) rows[i] += rows[i - step];
    else if (filter === 2) up(rows, begin, end, above);
    else if (filter === 3) average(rows, begin, end, above, step);
    else if (filter === 4) paeth(rows, begin, end, above, step);
    else if (filter !== 0)
      throw new FormatError(`png: row ${at / (1 + length)} has filter ${filter}, expected 0 to 4; the file is damaged`);
  }
}

function up(rows: Uint8Array, begin: number, end: number, above: number): void {
  if (above < 0) return;
  for (let i = begin; i < end; i++) rows[i] += rows[above + i - begin];
}

function average(rows: Uint8Array, begin: number, end: number, above: number, step: number): void {
  for (let i = begin; i < end; i++) {
    const left = i - begin < step ? 0 : rows[i - step];
    rows[i] += (left + (above < 0 ? 0 : rows[above + i - begin])) >> 1;
  }
}

/** Predicts by whichever of left a, above b and above left c is nearest to a + b - c, in this order where they tie. */
function paeth(rows: Uint8Array, begin: number, end: number, above: number, step: number): void {
  for (let i = begin; i < end; i++) {
    const inside = i - begin >= step;
    const a = inside ? rows[i - step] : 0;
    const b = above < 0 ? 0 : rows[above + i - begin];
    const c = inside && above >= 0 ? rows[above + i - begin - step] : 0;
    const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
    rows[i] += pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
  }
}

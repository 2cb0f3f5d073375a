// Parts of a result, for tasks that threads share.

/** An extent cut into `count` parts, each but the last of `size`. */
export interface Parts {
  readonly size: number;
  readonly count: number;
}

/** `extent` cut into about `wanted` parts of at most `most` in whole units, as equal as that allows, each but the last a multiple of `unit`. */
export function partsOf(extent: number, unit: number, most: number, wanted: number): Parts {
  const count = Math.max(wanted, Math.ceil(extent / most));
  const size = Math.max(unit, Math.min(Math.ceil(extent / count / unit) * unit, Math.ceil(most / unit) * unit));
  return { size, count: Math.ceil(extent / size) };
}

/** Strips of rows that are worth packing the same lanes again for. */
const LEAST_STRIPS = 8;

/**
 * Blocks of lanes and rows of which there are about `wanted`. Lanes are cut into blocks of at most NB in any case; where those are too few, rows are cut before
 * lanes: each block of rows packs its lanes again, which is little, and each block of lanes reads all weights again. Where all lanes are one block, rows are
 * cut so that the thread with the most work has as little as can be; `beside` such problems are done at once.
 */
export function blocksOf(
  lanes: number,
  rows: number,
  { MR, NR, NB }: { MR: number; NR: number; NB: number },
  { tasks, threads, beside }: { tasks: number; threads: number; beside: number },
): { down: Parts; across: Parts } {
  const wanted = Math.ceil(tasks / beside);
  const fewest = Math.ceil(lanes / NB);
  const most = Math.max(1, Math.min(Math.ceil(wanted / fewest), Math.floor(rows / MR / LEAST_STRIPS)));
  const inRows = (count: number) => partsOf(rows, MR, rows, count);
  if (fewest > 1 || most < wanted) {
    const down = inRows(most);
    return { down, across: partsOf(lanes, NR, NB, Math.ceil(wanted / down.count)) };
  }
  const load = ({ count, size }: Parts) => Math.ceil((count * beside) / threads) * (size / MR + 1);
  const cuts = Array.from({ length: most }, (_, i) => inRows(i + 1));
  return { down: cuts.reduce((best, cut) => (load(cut) < load(best) ? cut : best)), across: partsOf(lanes, NR, NB, 1) };
}

// The transforms of Winograd's F(2x2, 3x3) and, for the gradient of a filter, F(3x3, 2x2), in WGSL. Both take tiles of 4x4 and the points 0, 1, −1 and ∞.
//
//   image   Bᵀ d   d0 − d2 | d1 + d2 | d2 − d1 | d3 − d1             result of 2   Aᵀ m   m0 + m1 + m2 | m1 − m2 + m3
//   3 taps  G g    g0 | (g0 + g1 + g2)/2 | (g0 − g1 + g2)/2 | g2     result of 3          m0 + m1 + m2 | m1 − m2 | m1 + m2 + m3
//   2 taps         g0 | (g0 + g1)/2 | (g0 − g1)/2 | g1
//
// Each is applied from both sides. A tile is four vec4, its rows: down the columns a transform adds whole rows, across it works within each.

import { lines } from '../../wgsl.ts';

const AXES = 'xyzw';

/** WGSL terms of a transform's results from those of what it is applied to. */
type Terms = (value: (i: number) => string) => readonly string[];

const IMAGE: Terms = (d) => [`${d(0)} - ${d(2)}`, `${d(1)} + ${d(2)}`, `${d(2)} - ${d(1)}`, `${d(3)} - ${d(1)}`];
const TAPS: Record<2 | 3, Terms> = {
  2: (g) => [g(0), `0.5 * (${g(0)} + ${g(1)})`, `0.5 * (${g(0)} - ${g(1)})`, g(1)],
  3: (g) => [g(0), `0.5 * (${g(0)} + ${g(1)} + ${g(2)})`, `0.5 * (${g(0)} - ${g(1)} + ${g(2)})`, g(2)],
};
const RESULT: Record<2 | 3, Terms> = {
  2: (m) => [`${m(0)} + ${m(1)} + ${m(2)}`, `${m(1)} - ${m(2)} + ${m(3)}`],
  3: (m) => [`${m(0)} + ${m(1)} + ${m(2)}`, `${m(1)} - ${m(2)}`, `${m(1)} + ${m(2)} + ${m(3)}`],
};

/** Statements that set rows TO_0, .. to a transform of the rows FROM_0, .. from both sides. */
function bothSides(terms: Terms, from: string, to: string): string {
  const down = terms((i) => `${from}_${i}`).map((row, i) => `let ${to}_down_${i} = ${row};`);
  const across = down.map((_, i) => {
    const made = terms((c) => `${to}_down_${i}.${AXES[c]}`);
    return `let ${to}_${i} = vec${made.length}<f32>(${made.join(', ')});`;
  });
  return [...down, ...across].join('\n');
}

/** `tile_0..3` from the rows `patch_0..3`, vec4. */
export const imageTransform = (): string => bothSides(IMAGE, 'patch', 'tile');

/** `tile_0..3` from the rows `tap_0..`, of as many elements as there are rows. */
export const tapsTransform = (taps: 2 | 3): string => bothSides(TAPS[taps], 'tap', 'tile');

/** `made_0..` from the rows `sums_0..3`, vec4. */
export const resultTransform = (outputs: 2 | 3): string => bothSides(RESULT[outputs], 'sums', 'made');

/** Statements that store `tile_0..3` as one element of each of the 16 matrices in `target`, from element `at` on, `matrix` elements apart. */
export const storeTile = (target: string, at: string, matrix: string): string =>
  lines(16, (e) => `${target}[${at} + ${e} * ${matrix}] = tile_${e >> 2}.${AXES[e & 3]};`);

/** Expressions of the rows of a tile that lies as one element of each of 16 matrices. */
export const loadTile = (source: string, at: string, matrix: string): string[] =>
  [0, 1, 2, 3].map((row) => `vec4(${[0, 1, 2, 3].map((c) => `${source}[${at} + ${4 * row + c} * ${matrix}]`).join(', ')})`);

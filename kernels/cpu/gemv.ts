// C = epilogue(alpha · op(A) · op(B)) where C has at most eight rows or columns: a matrix X times V vectors, in one pass over X.
//
// X is read once and everything else is small, so memory sets the time. The vectors are packed first; then, by how X lies,
//
//   dot:   rows of X run along k.      C[i, v] = sum over p of X[i, p] · V[v, p]        a few rows at a time, sums across lanes at the end
//   axpy:  rows of X run along C.      C[v, j] += V[v, p] · X[p, j]                     a chunk of C in the first-level cache, a few rows at a time
//
// Several rows at a time means several streams for the prefetcher, and fewer loads and stores of what is not X.

import type { Entry, Kernel, Plan, Source, Traits, Tunables } from '../kernel.ts';
import { matmulCost, matmulFacts, matmulVariant } from '../matmul.ts';
import type { MatmulProblem } from '../problem.ts';
import {
  advance,
  assemble,
  call,
  f32,
  f32x4,
  i32,
  type Local,
  loopWhileBelow,
  min,
  type Routine,
  repeat,
  routine,
  set,
  type Task,
  task,
  v128,
} from './assembly.ts';
import { ARGUMENTS_ADDRESS } from './command.ts';
import { packRoutine } from './pack.ts';

export const MAX_VECTORS = 8;
const TASKS_PER_THREAD = 4;
/** Elements between the chunks of two vectors' sums, so that they do not fall into the same sets of the cache. */
const PADDING = 16;

export const gemv: Kernel<MatmulProblem> = {
  name: 'gemv',
  op: 'matmul',
  device: 'cpu',
  summary: 'a matrix times up to eight vectors, in one pass over the matrix',
  requires: ['simd'],
  tunables: { ROWS: [8, 4, 2], CHUNK: [4096, 512, 1024, 2048] },
  constraints: ['min(M, N) <= 8', 'batch == 1', 'CHUNK * min(M, N) * 8 <= l2Bytes'],
  deterministic: true,
  facts: matmulFacts,
  rejects: ({ dtype, batch, m, n }) => {
    if (dtype !== 'f32') return `it stores f32, not ${dtype}`;
    if (batch > 1) return 'it does one matrix, not a batch';
    return Math.min(m, n) > MAX_VECTORS ? `C is ${m}x${n}, and it does at most ${MAX_VECTORS} rows or columns` : undefined;
  },
  defaults: (problem, { limits }) => {
    const { vectors, form } = roles(problem);
    const chunk = [4096, 2048, 1024, 512].find((each) => each * vectors * 4 <= limits.l1Bytes * 2) ?? 512;
    return { ROWS: form === 'axpy' || vectors === 1 ? 8 : vectors <= 4 ? 4 : 2, CHUNK: chunk };
  },
  cost: matmulCost,
  estimate: (problem, { limits }) => {
    const { flops, bytes } = matmulCost(problem);
    return 3e-6 + Math.max(bytes / 25e9, flops / (40e9 * limits.threads)) + problem.k * 2e-9;
  },
  variant: (problem) => `${matmulVariant(problem)}/${roles(problem).vectors}${roles(problem).rowsOfC ? 'rows' : 'columns'}`,
  generate,
  plan,
};

/** Which operand is the matrix and which the vectors. */
interface Roles {
  readonly vectors: number;
  /** Whether the vectors are rows of op(A) and of C; else columns of op(B) and of C. */
  readonly rowsOfC: boolean;
  readonly matrix: 'A' | 'B';
  /** Elements of C along the matrix. */
  readonly outputs: number;
  readonly form: 'dot' | 'axpy';
  /** Whether a vector's elements are contiguous where it lies. */
  readonly contiguous: boolean;
}

function roles({ m, n, transposeA, transposeB }: MatmulProblem): Roles {
  return m <= n
    ? { vectors: m, rowsOfC: true, matrix: 'B', outputs: n, form: transposeB ? 'dot' : 'axpy', contiguous: !transposeA }
    : { vectors: n, rowsOfC: false, matrix: 'A', outputs: m, form: transposeA ? 'axpy' : 'dot', contiguous: transposeB };
}

const U32 = (...names: string[]): Entry['arguments'] => names.map((name) => ({ name, type: 'u32' }));

function generate(problem: MatmulProblem, tunables: Tunables, traits: Traits): Source {
  const multiplyAdd = traits.features.has('relaxed-simd')
    ? (into: Local<'v128'>, a: Local<'v128'>, b: Local<'v128'>) => set(into, f32x4.relaxed_madd(a, b, into))
    : (into: Local<'v128'>, a: Local<'v128'>, b: Local<'v128'>) => set(into, f32x4.add(f32x4.mul(a, b), into));
  const { form, vectors } = roles(problem);
  return assemble(`matmul/gemv/${matmulVariant(problem)}/${form}`, {
    pack: packTask(problem),
    multiply: form === 'dot' ? dotTask(problem, vectors, tunables.ROWS, multiplyAdd) : axpyTask(problem, vectors, tunables, multiplyAdd),
  });
}

type MultiplyAdd = (into: Local<'v128'>, a: Local<'v128'>, b: Local<'v128'>) => void;

/** Vectors side by side for each p (axpy) or one after another (dot), times alpha. */
function packTask(problem: MatmulProblem): Task {
  const { vectors, form, contiguous } = roles(problem);
  const scale = problem.alpha !== 1;
  const entry: Entry = {
    buffers: [
      { name: 'from', access: 'read' },
      { name: 'to', access: 'write' },
    ],
    arguments: [...U32('k', 'stride'), ...(scale ? [{ name: 'alpha', type: 'f32' as const }] : [])],
  };
  const interleave = packRoutine({ width: vectors, contiguous: contiguous ? 'k' : 'lanes', scale });
  const separate = packRoutine({ width: 1, contiguous: 'lanes', scale });
  const alpha = ARGUMENTS_ADDRESS + 4 * 4;
  return task(entry, {}, (_names, { from, to, k, stride }) => {
    if (form === 'axpy') return call(interleave, [from, to, vectors, k, stride, alpha]);
    for (let v = 0; v < vectors; v++) {
      call(separate, [from, to, 1, k, contiguous ? 4 : stride, alpha]);
      advance(from, contiguous ? stride : 4);
      advance(to, i32.shl(k, 2));
    }
  });
}

const TASK_ARGUMENTS = ['outputs', 'k', 'strideX', 'perTask', 'strideOutput', 'strideVector'];

function multiplyEntry({ epilogue }: MatmulProblem, extra: readonly string[]): Entry {
  const buffers = ['X', 'V', ...(epilogue.bias ? ['bias'] : []), 'C', ...extra];
  return {
    buffers: buffers.map((name) => ({ name, access: name === 'C' || extra.includes(name) ? 'write' : 'read' })),
    arguments: U32(...TASK_ARGUMENTS),
  };
}

/** Adds bias, applies ReLU and stores one element of C; `column` is a local with its column. */
function finish({ epilogue }: MatmulProblem, value: Local<'f32'>, target: Local, bias: Local, column: Local): void {
  if (epilogue.bias) set(value, f32.add(value, f32.load({}, i32.add(bias, i32.shl(column, 2)))));
  if (epilogue.relu) set(value, f32.max(value, f32.const(0)));
  f32.store({}, target, value);
}

/** `perTask` rows of X, ROWS at a time. */
function dotTask(problem: MatmulProblem, vectors: number, rows: number, multiplyAdd: MultiplyAdd): Task {
  const { rowsOfC } = roles(problem);
  const several = dotRoutine(rows, vectors, multiplyAdd);
  const single = dotRoutine(1, vectors, multiplyAdd);
  const entry = multiplyEntry(problem, ['sums']);
  const locals = { i: i32, end: i32, block: i32, sum: i32, row: i32, column: i32, vector: i32, target: i32, value: f32 } as const;
  return task(entry, locals, (names, argument) => {
    const { task, thread, i, end, sum, row, column, vector, target, value } = names;
    const { X, V, C, bias, sums, outputs, k, strideX, perTask, strideOutput, strideVector } = argument;
    set(i, i32.mul(task, perTask));
    set(end, i32.add(i, perTask));
    min(end, end, outputs);
    advance(X, i32.mul(i, strideX));
    advance(sums, i32.mul(thread, 4 * rows * vectors));
    const block = (height: number, run: Routine) => {
      call(run, [X, V, sums, k, strideX]);
      set(sum, sums);
      set(row, 0);
      loopWhileBelow(row, height, 1, () => {
        set(vector, 0);
        loopWhileBelow(vector, vectors, 1, () => {
          set(value, f32.load({}, sum));
          set(target, i32.add(C, i32.add(i32.mul(i32.add(i, row), strideOutput), i32.mul(vector, strideVector))));
          set(column, rowsOfC ? i32.add(i, row) : vector);
          finish(problem, value, target, bias, column);
          advance(sum, 4);
        });
      });
      advance(i, height);
      advance(X, i32.mul(strideX, height));
    };
    set(names.block, i32.sub(end, i));
    set(names.block, i32.div_u(names.block, rows));
    repeat(names.block, () => block(rows, several));
    set(names.block, i32.sub(end, i));
    repeat(names.block, () => block(1, single));
  });
}

/** Generates `dot(x, v, sums, k, strideX)`: sums[row][vector] for `rows` rows of X, over all of k. */
function dotRoutine(rows: number, vectors: number, multiplyAdd: MultiplyAdd): Routine {
  // Two accumulators per sum where there are few sums, to cover the latency of the adder.
  const ways = rows * vectors <= 4 ? 2 : 1;
  const locals = {
    x: [i32, rows],
    v: [i32, vectors],
    steps: i32,
    step: i32,
    acc: [v128, rows * vectors * ways],
    a: [v128, rows],
    b: v128,
    scalar: [f32, rows * vectors],
  } as const;
  return routine({ X: i32, V: i32, sums: i32, k: i32, strideX: i32 }, locals, (names) => {
    const { X, V, sums, k, strideX, x, v, steps, acc, a, b, scalar } = names;
    x.forEach((pointer, r) => set(pointer, r === 0 ? X : i32.add(x[r - 1], strideX)));
    v.forEach((pointer, c) => set(pointer, c === 0 ? V : i32.add(v[c - 1], i32.shl(k, 2))));
    set(steps, i32.div_u(k, 4 * ways));
    repeat(steps, () => {
      for (let way = 0; way < ways; way++) {
        for (let r = 0; r < rows; r++) set(a[r], v128.load({ offset: 16 * way }, x[r]));
        for (let c = 0; c < vectors; c++) {
          set(b, v128.load({ offset: 16 * way }, v[c]));
          for (let r = 0; r < rows; r++) multiplyAdd(acc[(way * rows + r) * vectors + c], a[r], b);
        }
      }
      for (const pointer of [...x, ...v]) advance(pointer, 16 * ways);
    });
    for (let s = 0; s < rows * vectors; s++) {
      if (ways === 2) set(acc[s], f32x4.add(acc[s], acc[s + rows * vectors]));
      const lane = (l: number) => f32x4.extract_lane(l, acc[s]);
      set(scalar[s], f32.add(f32.add(lane(0), lane(1)), f32.add(lane(2), lane(3))));
    }
    set(steps, i32.rem_u(k, 4 * ways));
    repeat(steps, () => {
      for (let r = 0; r < rows; r++)
        for (let c = 0; c < vectors; c++) {
          const s = r * vectors + c;
          set(scalar[s], f32.add(scalar[s], f32.mul(f32.load({}, x[r]), f32.load({}, v[c]))));
        }
      for (const pointer of [...x, ...v]) advance(pointer, 4);
    });
    scalar.forEach((value, s) => f32.store({ offset: 4 * s }, sums, value));
  });
}

/** A chunk of up to CHUNK elements of every row of C, kept in scratch while all of X's rows go by. */
function axpyTask(problem: MatmulProblem, vectors: number, { ROWS, CHUNK }: Tunables, multiplyAdd: MultiplyAdd): Task {
  const { rowsOfC } = roles(problem);
  const length = CHUNK + PADDING;
  const several = axpyRoutine(ROWS, vectors, length, multiplyAdd);
  const single = axpyRoutine(1, vectors, length, multiplyAdd);
  const entry = multiplyEntry(problem, ['sums']);
  const locals = { j: i32, width: i32, steps: i32, column: i32, vector: i32, source: i32, target: i32, value: f32 } as const;
  return task(entry, locals, (names, argument) => {
    const { task, thread, j, width, steps, column, vector, source, target, value } = names;
    const { X, V, C, bias, sums, outputs, k, strideX, perTask, strideOutput, strideVector } = argument;
    set(j, i32.mul(task, perTask));
    set(width, i32.sub(outputs, j));
    min(width, width, perTask);
    advance(X, i32.shl(j, 2));
    advance(sums, i32.mul(thread, 4 * length * vectors));
    set(source, sums);
    set(steps, (length * vectors) / 4);
    repeat(steps, () => {
      v128.store({}, source, v128.const('f32x4', [0, 0, 0, 0]));
      advance(source, 16);
    });
    set(steps, i32.div_u(k, ROWS));
    repeat(steps, () => {
      call(several, [X, V, sums, width, strideX]);
      advance(X, i32.mul(strideX, ROWS));
      advance(V, 4 * ROWS * vectors);
    });
    set(steps, i32.rem_u(k, ROWS));
    repeat(steps, () => {
      call(single, [X, V, sums, width, strideX]);
      advance(X, strideX);
      advance(V, 4 * vectors);
    });
    loopWhileBelow(vector, vectors, 1, () => {
      set(column, 0);
      loopWhileBelow(column, width, 1, () => {
        set(value, f32.load({}, i32.add(sums, i32.shl(i32.add(i32.mul(vector, length), column), 2))));
        set(source, i32.add(j, column));
        set(target, i32.add(C, i32.add(i32.mul(source, strideOutput), i32.mul(vector, strideVector))));
        finish(problem, value, target, bias, rowsOfC ? source : vector);
      });
    });
  });
}

/** Generates `axpy(x, v, sums, width, strideX)`: adds `rows` rows of X, times their elements of V, to every vector's sums. */
function axpyRoutine(rows: number, vectors: number, chunk: number, multiplyAdd: MultiplyAdd): Routine {
  const locals = { x: [i32, rows], steps: i32, a: [v128, 2 * rows], b: v128, acc: [v128, 2], value: f32 } as const;
  return routine({ X: i32, V: i32, sums: i32, width: i32, strideX: i32 }, locals, (names) => {
    const { X, V, sums, width, strideX, x, steps, a, b, acc, value } = names;
    x.forEach((pointer, r) => set(pointer, r === 0 ? X : i32.add(x[r - 1], strideX)));
    set(steps, i32.shr_u(width, 3));
    repeat(steps, () => {
      for (let r = 0; r < rows; r++) for (let h = 0; h < 2; h++) set(a[2 * r + h], v128.load({ offset: 16 * h }, x[r]));
      for (let c = 0; c < vectors; c++) {
        for (let h = 0; h < 2; h++) set(acc[h], v128.load({ offset: 4 * chunk * c + 16 * h }, sums));
        for (let r = 0; r < rows; r++) {
          set(b, v128.load32_splat({ offset: 4 * (r * vectors + c) }, V));
          for (let h = 0; h < 2; h++) multiplyAdd(acc[h], b, a[2 * r + h]);
        }
        for (let h = 0; h < 2; h++) v128.store({ offset: 4 * chunk * c + 16 * h }, sums, acc[h]);
      }
      for (const pointer of [...x, sums]) advance(pointer, 32);
    });
    set(steps, i32.and(width, 7));
    repeat(steps, () => {
      for (let c = 0; c < vectors; c++) {
        set(value, f32.load({ offset: 4 * chunk * c }, sums));
        for (let r = 0; r < rows; r++)
          set(value, f32.add(value, f32.mul(f32.load({}, x[r]), f32.load({ offset: 4 * (r * vectors + c) }, V))));
        f32.store({ offset: 4 * chunk * c }, sums, value);
      }
      for (const pointer of [...x, sums]) advance(pointer, 4);
    });
  });
}

function plan(problem: MatmulProblem, { ROWS, CHUNK }: Tunables, { limits }: Traits): Plan {
  const { m, n, k, alpha, epilogue } = problem;
  const { vectors, rowsOfC, matrix, outputs, form, contiguous } = roles(problem);
  const share = Math.ceil(outputs / (limits.threads === 1 && form === 'dot' ? 1 : limits.threads * TASKS_PER_THREAD) / 16) * 16;
  const perTask = form === 'dot' ? share : Math.min(CHUNK, limits.threads === 1 ? CHUNK : Math.max(512, share));
  const strideX = 4 * (form === 'dot' ? k : outputs);
  const [strideOutput, strideVector] = rowsOfC ? [4, 4 * n] : [4 * n, 4];
  return {
    passes: [
      {
        entry: 'pack',
        buffers: [matrix === 'A' ? 'B' : 'A', 'vectors'],
        arguments: [k, 4 * (contiguous ? k : rowsOfC ? m : n), ...(alpha === 1 ? [] : [alpha])],
        grid: [1, 1, 1],
      },
      {
        entry: 'multiply',
        buffers: [matrix, 'vectors', ...(epilogue.bias ? ['bias'] : []), 'C', 'sums'],
        arguments: [outputs, k, strideX, perTask, strideOutput, strideVector],
        grid: [Math.ceil(outputs / perTask), 1, 1],
      },
    ],
    workspace: { vectors: 4 * vectors * k, sums: limits.threads * 4 * vectors * (form === 'dot' ? ROWS : CHUNK + PADDING) },
  };
}

// C = epilogue(alpha · op(A) · B), blocked for the caches and vectorised, without packing or register tiles.
//
//   for blocks of KB rows of B, NB columns wide:      KB x NB of B stays in the second-level cache
//     for each row i:  for each p in the block:       C[i, j..j+3] += A[i, p] · B[p, j..j+3]
//
// The step between what people write first and what a machine can do: every multiply-add still loads and stores C.

import type { Entry, Kernel, Source, Traits, Tunables } from '../../kernel.ts';
import { matmulCost, matmulFacts, matmulVariant, onlyOverwrites } from '../../matmul.ts';
import { type MatmulProblem, matmulOperands } from '../../problem.ts';
import { advance, assemble, f32, f32x4, i32, type Local, loopWhileBelow, min, repeat, set, task, v128 } from '../assembly.ts';

const ARGUMENTS = ['m', 'n', 'k', 'ai', 'ap'] as const;

export const blocked: Kernel<MatmulProblem> = {
  name: 'blocked',
  op: 'matmul',
  device: 'cpu',
  summary: 'loops blocked for the caches, four lanes at a time, nothing kept in registers',
  requires: ['simd'],
  tunables: { KB: [64, 32, 128], NB: [512, 256, 1024], ROWS: [8, 4, 16] },
  constraints: ['transposeB == 0', 'KB * NB * 4 <= l2Bytes'],
  deterministic: true,
  facts: matmulFacts,
  rejects(problem) {
    if (problem.dtype !== 'f32') return `it stores f32, not ${problem.dtype}`;
    // Adding product by product to large elements would round every small one away.
    return problem.transposeB ? 'it reads rows of B, and B is transposed' : onlyOverwrites(problem);
  },
  defaults: () => ({ KB: 64, NB: 512, ROWS: 8 }),
  cost: matmulCost,
  estimate: (problem, { limits }) => 2e-6 + Math.max(matmulCost(problem).flops / (12e9 * limits.threads), matmulCost(problem).bytes / 10e9),
  variant: matmulVariant,
  generate,
  plan: ({ m, n, k, batch, transposeA, alpha, epilogue }, { ROWS }) => ({
    passes: [
      {
        entry: 'rows',
        buffers: ['A', 'B', ...(epilogue.bias ? ['bias'] : []), 'C'],
        arguments: [m, n, k, ...(transposeA ? [4, 4 * m] : [4 * k, 4]), ...(alpha === 1 ? [] : [alpha])],
        grid: [Math.ceil(m / ROWS), batch, 1],
      },
    ],
    workspace: {},
  }),
};

/** One task is ROWS rows of C. */
function generate(problem: MatmulProblem, { KB, NB, ROWS }: Tunables, traits: Traits): Source {
  const { alpha, epilogue } = problem;
  const fma = traits.features.has('relaxed-simd');
  const entry: Entry = {
    buffers: Object.keys(matmulOperands(problem)).map((name) => ({ name, access: name === 'C' ? 'write' : 'read' })),
    arguments: [
      ...ARGUMENTS.map((name) => ({ name, type: 'u32' as const })),
      ...(alpha === 1 ? [] : [{ name: 'alpha', type: 'f32' as const }]),
    ],
  };
  const locals = {
    first: i32,
    i: i32,
    p: i32,
    j: i32,
    rows: i32,
    depth: i32,
    width: i32,
    steps: i32,
    left: i32,
    quads: i32,
    a: i32,
    b: i32,
    c: i32,
    row: i32,
    value: f32,
    splat: v128,
    sum: v128,
  } as const;
  const rows = task(entry, locals, (names, argument, scalar) => {
    const { task, first, i, p, j, depth, width, steps, left, quads, a, b, c, row, value, splat, sum } = names;
    const { A, B, C, bias, m, n, k, ai, ap } = argument;
    set(steps, i32.div_u(i32.add(m, ROWS - 1), ROWS));
    set(first, i32.mul(i32.rem_u(task, steps), ROWS));
    set(steps, i32.div_u(task, steps));
    advance(A, i32.add(i32.shl(i32.mul(steps, i32.mul(m, k)), 2), i32.mul(first, ai)));
    advance(B, i32.shl(i32.mul(steps, i32.mul(k, n)), 2));
    advance(C, i32.shl(i32.add(i32.mul(steps, i32.mul(m, n)), i32.mul(first, n)), 2));
    set(names.rows, i32.sub(m, first));
    min(names.rows, names.rows, ROWS);

    set(c, C);
    set(left, i32.mul(names.rows, n));
    elements(
      c,
      left,
      () => v128.store({}, c, v128.const('f32x4', [0, 0, 0, 0])),
      () => f32.store({}, c, f32.const(0)),
    );
    loopWhileBelow(p, k, KB, () => {
      set(depth, i32.sub(k, p));
      min(depth, depth, KB);
      set(j, 0);
      loopWhileBelow(j, n, NB, () => {
        set(width, i32.sub(n, j));
        min(width, width, NB);
        set(i, 0);
        loopWhileBelow(i, names.rows, 1, multiplyRow);
      });
    });
    if (epilogue.bias || epilogue.relu) finishRows();

    /** C[i, block] += A[i, block of p] · B[block]. */
    function multiplyRow() {
      set(a, i32.add(A, i32.add(i32.mul(i, ai), i32.mul(p, ap))));
      set(row, i32.add(B, i32.shl(i32.add(i32.mul(p, n), j), 2)));
      set(steps, depth);
      repeat(steps, () => {
        set(value, f32.load({}, a));
        if (alpha !== 1) set(value, f32.mul(value, scalar.alpha));
        set(splat, f32x4.splat(value));
        set(b, row);
        set(c, i32.add(C, i32.shl(i32.add(i32.mul(i, n), j), 2)));
        set(left, width);
        const vector = () => {
          set(sum, v128.load({}, b));
          set(sum, fma ? f32x4.relaxed_madd(splat, sum, v128.load({}, c)) : f32x4.add(f32x4.mul(splat, sum), v128.load({}, c)));
          v128.store({}, c, sum);
          advance(b, 16);
        };
        const single = () => {
          f32.store({}, c, f32.add(f32.load({}, c), f32.mul(value, f32.load({}, b))));
          advance(b, 4);
        };
        elements(c, left, vector, single);
        advance(a, ap);
        advance(row, i32.shl(n, 2));
      });
    }
    function finishRows() {
      set(c, C);
      set(i, 0);
      loopWhileBelow(i, names.rows, 1, () => {
        set(b, epilogue.bias ? bias : 0);
        set(left, n);
        repeat(left, () => {
          set(value, f32.load({}, c));
          if (epilogue.bias) set(value, f32.add(value, f32.load({}, b)));
          if (epilogue.relu) set(value, f32.max(value, f32.const(0)));
          f32.store({}, c, value);
          advance(b, 4);
          advance(c, 4);
        });
      });
    }
    /** `count` elements from `pointer` on: four at a time, then one by one. */
    function elements(pointer: Local, count: Local, vector: () => void, single: () => void) {
      set(quads, i32.shr_u(count, 2));
      repeat(quads, () => {
        vector();
        advance(pointer, 16);
      });
      set(count, i32.and(count, 3));
      repeat(count, () => {
        single();
        advance(pointer, 4);
      });
    }
  });
  return assemble(`matmul/blocked/${matmulVariant(problem)}`, { rows });
}

// C = epilogue(alpha · op(A) · op(B)), the way that people write it first: three nested loops over scalars.
//
//   for i, for j:  sum over p of A[i, p] · B[p, j]
//
// No blocking, no vectors: the baseline that the other kernels are measured against.

import type { Entry, Kernel, Source } from '../../kernel.ts';
import { matmulCost, matmulFacts, matmulVariant } from '../../matmul.ts';
import { type MatmulProblem, matmulOperands } from '../../problem.ts';
import { advance, assemble, f32, i32, loopWhileBelow, repeat, set, task } from '../assembly.ts';

export const naive: Kernel<MatmulProblem> = {
  name: 'naive',
  op: 'matmul',
  device: 'cpu',
  summary: 'three nested loops over scalars: what people write first',
  requires: [],
  tunables: {},
  constraints: [],
  deterministic: true,
  facts: matmulFacts,
  rejects: ({ dtype }) => (dtype === 'f32' ? undefined : `it stores f32, not ${dtype}`),
  defaults: () => ({}),
  cost: matmulCost,
  estimate: (problem) => matmulCost(problem).flops / 1e9,
  variant: matmulVariant,
  generate,
  plan: (problem) => {
    const { m, n, k, batch, transposeA, transposeB, alpha } = problem;
    // Strides in bytes of op(A) along i and p, and of op(B) along p and j.
    const [ai, ap] = transposeA ? [4, 4 * m] : [4 * k, 4];
    const [bp, bj] = transposeB ? [4, 4 * k] : [4 * n, 4];
    return {
      passes: [
        {
          entry: 'rows',
          buffers: Object.keys(matmulOperands(problem)),
          arguments: [m, n, k, ai, ap, bp, bj, ...(alpha === 1 ? [] : [alpha])],
          grid: [batch * m, 1, 1],
        },
      ],
      workspace: {},
    };
  },
};

/** One task is one row of C. */
function generate(problem: MatmulProblem): Source {
  const { epilogue } = problem;
  const scaled = problem.alpha !== 1;
  const entry: Entry = {
    buffers: Object.keys(matmulOperands(problem)).map((name) => ({ name, access: name === 'C' ? 'write' : 'read' })),
    arguments: [
      ...(['m', 'n', 'k', 'ai', 'ap', 'bp', 'bj'] as const).map((name) => ({ name, type: 'u32' as const })),
      ...(scaled ? [{ name: 'alpha', type: 'f32' as const }] : []),
    ],
  };
  const rows = task(entry, { batch: i32, column: i32, steps: i32, a: i32, b: i32, rowA: i32, sum: f32 }, (names, buffer, scalar) => {
    const { task: row, batch, column, steps, a, b, rowA, sum } = names;
    const { A, B, C, bias, m, n, k, ai, ap, bp, bj } = buffer;
    set(batch, i32.div_u(row, m));
    set(rowA, i32.add(A, i32.mul(batch, i32.shl(i32.mul(m, k), 2))));
    advance(rowA, i32.mul(i32.rem_u(row, m), ai));
    advance(B, i32.mul(batch, i32.shl(i32.mul(k, n), 2)));
    advance(C, i32.shl(i32.mul(row, n), 2));
    loopWhileBelow(column, n, 1, () => {
      set(a, rowA);
      set(b, i32.add(B, i32.mul(column, bj)));
      set(sum, f32.const(0));
      set(steps, k);
      repeat(steps, () => {
        set(sum, f32.add(sum, f32.mul(f32.load({}, a), f32.load({}, b))));
        advance(a, ap);
        advance(b, bp);
      });
      if (scaled) set(sum, f32.mul(sum, scalar.alpha));
      if (epilogue.bias) set(sum, f32.add(sum, f32.load({}, i32.add(bias, i32.shl(column, 2)))));
      if (epilogue.relu) set(sum, f32.max(sum, f32.const(0)));
      if (problem.accumulate) set(sum, f32.add(sum, f32.load({}, C)));
      f32.store({}, C, sum);
      advance(C, 4);
    });
  });
  return assemble(`matmul/naive/${matmulVariant(problem)}`, { rows });
}

// What every matmul kernel has in common, whatever its device: the facts that constraints may use, the cost, and the parts of a variant's name.

import type { Cost } from './kernel.ts';
import { bytesPerElement, type MatmulProblem, matmulOperands, transposeName } from './problem.ts';

/** Sizes and flags of a problem by the names that constraints use. */
export const matmulFacts = ({ m, n, k, batch, transposeA, transposeB }: MatmulProblem): Record<string, number> => ({
  M: m,
  N: n,
  K: k,
  batch,
  transposeA: Number(transposeA),
  transposeB: Number(transposeB),
});

/** 2·batch·M·N·K operations; each operand read once and C written once, or read and written. Alpha and the epilogue are not counted, as is usual. */
export function matmulCost(problem: MatmulProblem): Cost {
  const flops = 2 * problem.batch * problem.m * problem.n * problem.k;
  const operands = matmulOperands(problem);
  const elements = Object.values(operands).reduce((sum, count) => sum + count, problem.accumulate ? operands.C : 0);
  return { flops, executedFlops: flops, bytes: elements * bytesPerElement(problem.dtype) };
}

/** Why a kernel that always overwrites C cannot do a problem. */
export const onlyOverwrites = ({ accumulate }: MatmulProblem): string | undefined =>
  accumulate ? 'it overwrites C, and the product is to be added to it' : undefined;

/** What of a matmul problem code depends on at most: `nt/f32/alpha/bias/relu`. */
export const matmulVariant = (problem: MatmulProblem): string =>
  [
    transposeName(problem),
    problem.dtype,
    problem.alpha === 1 ? '' : 'alpha',
    problem.epilogue.bias ? 'bias' : '',
    problem.epilogue.relu ? 'relu' : '',
    problem.accumulate ? 'accumulate' : '',
  ]
    .filter((part) => part !== '')
    .join('/');

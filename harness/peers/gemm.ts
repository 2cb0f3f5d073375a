// What the adapters for general matrix multiplication have in common: which problems are theirs, and the shapes as stored.

import type { MatmulProblem } from '../../kernels/problem.ts';
import type { PeerCase } from './peer.ts';

/** Parts of a matmul problem that not every library has. */
export interface GemmLimits {
  readonly epilogue?: boolean;
  readonly alpha?: boolean;
}

/** Why a library with these limits cannot do the case, or undefined if it can. */
export function gemmRefusal(asked: PeerCase, { epilogue = true, alpha = true }: GemmLimits = {}): string | undefined {
  if (asked.kind !== 'gemm') return `it is compared in matmul, not in ${asked.kind}`;
  const { problem } = asked;
  if (problem.dtype !== 'f32') return `it is compared in f32, not in ${problem.dtype}`;
  if (!epilogue && (problem.epilogue.bias || problem.epilogue.relu)) return 'it has no epilogue';
  if (!alpha && problem.alpha !== 1) return `it has no factor alpha (here ${problem.alpha})`;
  return undefined;
}

/** The case's matmul problem. Adapters that do nothing else call it after `supports` has let the case through. */
export function asMatmul(asked: PeerCase): MatmulProblem {
  if (asked.kind !== 'gemm') throw new TypeError(`expected a matmul problem, got ${asked.kind}`);
  return asked.problem;
}

export interface Shapes {
  readonly A: readonly number[];
  readonly B: readonly number[];
  readonly C: readonly number[];
}

/** Shapes of the operands as stored; the batch is a leading dimension only where there is one. */
export function storedShapes({ batch, m, n, k, transposeA, transposeB }: MatmulProblem): Shapes {
  const lead = batch > 1 ? [batch] : [];
  return {
    A: [...lead, ...(transposeA ? [k, m] : [m, k])],
    B: [...lead, ...(transposeB ? [n, k] : [k, n])],
    C: [...lead, m, n],
  };
}

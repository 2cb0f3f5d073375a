// What the two forms of gemv share: which operand is what, the arguments of the multiplying pass, and how an element of C is finished.

import type { Entry } from '../../kernel.ts';
import type { MatmulProblem } from '../../problem.ts';
import { f32, i32, type Local, set } from '../assembly.ts';

/** Which operand is the matrix and which the vectors. */
export interface Roles {
  readonly vectors: number;
  /** Whether the vectors are rows of op(A) and of C; else columns of op(B) and of C. */
  readonly rowsOfC: boolean;
  readonly matrix: 'A' | 'B';
  /** Elements of C along the matrix. */
  readonly outputs: number;
  /** `dot`: rows of the matrix run along k; `axpy`: they run along C. */
  readonly form: 'dot' | 'axpy';
  /** Bytes from one element of a vector to the next, and from one vector to the next. */
  readonly step: number;
  readonly stride: number;
}

export function roles({ m, n, k, transposeA, transposeB }: MatmulProblem): Roles {
  return m <= n
    ? {
        vectors: m,
        rowsOfC: true,
        matrix: 'B',
        outputs: n,
        form: transposeB ? 'dot' : 'axpy',
        step: transposeA ? 4 * m : 4,
        stride: transposeA ? 4 : 4 * k,
      }
    : {
        vectors: n,
        rowsOfC: false,
        matrix: 'A',
        outputs: m,
        form: transposeA ? 'axpy' : 'dot',
        step: transposeB ? 4 : 4 * n,
        stride: transposeB ? 4 * k : 4,
      };
}

/** The pass that reads the matrix: X, the packed vectors V, bias, C and scratch for sums. Strides in bytes. */
export function multiplyEntry({ epilogue }: MatmulProblem): Entry {
  const buffers = ['X', 'V', ...(epilogue.bias ? ['bias'] : []), 'C', 'sums'];
  return {
    buffers: buffers.map((name) => ({ name, access: name === 'C' || name === 'sums' ? 'write' : 'read' })),
    arguments: ['outputs', 'k', 'strideX', 'perTask', 'strideOutput', 'strideVector'].map((name) => ({ name, type: 'u32' })),
  };
}

/** Adds bias, applies ReLU and stores one element of C; `column` is its column. */
export function finish({ epilogue }: MatmulProblem, value: Local<'f32'>, target: Local, bias: Local, column: Local): void {
  if (epilogue.bias) set(value, f32.add(value, f32.load({}, i32.add(bias, i32.shl(column, 2)))));
  if (epilogue.relu) set(value, f32.max(value, f32.const(0)));
  f32.store({}, target, value);
}

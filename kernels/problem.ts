// A problem says what is to be computed: op, sizes, dtypes, attributes and epilogue. It never says how.

import { bytesPerElement, type DType, type Extent } from './dtype.ts';
import { type Conv2dProblem, conv2dOperands } from './problems/conv2d.ts';
import { type CopyProblem, copyOperands } from './problems/copy.ts';
import { type GatherProblem, gatherOperands, type ScatterAddProblem, scatterAddOperands } from './problems/gather.ts';
import { type MomentsProblem, momentsOperands } from './problems/moments.ts';
import { type PointwiseProblem, pointwiseOperands } from './problems/pointwise.ts';
import { type Pool2dProblem, pool2dOperands } from './problems/pool2d.ts';
import { type RandomProblem, randomOperands } from './problems/random.ts';
import { type ReduceProblem, reduceOperands } from './problems/reduce.ts';
import { type SoftmaxProblem, softmaxOperands } from './problems/softmax.ts';

export * from './dtype.ts';
export * from './problems/conv2d.ts';
export * from './problems/copy.ts';
export * from './problems/gather.ts';
export * from './problems/moments.ts';
export * from './problems/pointwise.ts';
export * from './problems/pool2d.ts';
export * from './problems/random.ts';
export * from './problems/reduce.ts';
export * from './problems/softmax.ts';
export { type Padding, type Pair, windowsOf } from './problems/window.ts';

/** Applied to every element of the result as it is stored, in this order: add bias, then ReLU. */
export interface Epilogue {
  /** Adds `bias[n]` to each row of the result; the operand `bias` has shape [N]. */
  readonly bias: boolean;
  /** max(x, 0), after the bias. */
  readonly relu: boolean;
}

/**
 * C[b] = epilogue(alpha · op(A[b]) · op(B[b])), row-major and dense, for b in 0..batch-1.
 *
 * op(A) is [M, K] and op(B) is [K, N]; where a transpose flag is set the operand is stored as [K, M] or [N, K].
 * `dtype` is how A, B, bias and C are stored; sums are always kept in f32.
 */
export interface MatmulProblem {
  readonly op: 'matmul';
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly alpha: number;
  readonly epilogue: Epilogue;
  readonly dtype: DType;
  /** Adds to what C holds, C[b] += alpha · op(A[b]) · op(B[b]), with no epilogue and in f32; absent where C is only written. */
  readonly accumulate?: true;
}

/** `chains` independent chains of fused multiply-adds in registers: the measured roof of arithmetic. `length` steps each, per thread. */
export interface FmaProblem {
  readonly op: 'fma';
  readonly length: number;
  readonly threads: number;
}

/** One pass over memory: read `bytes`, write them, copy them from one buffer to another, or read and write them in place. The measured roof of bandwidth. */
export interface StreamProblem {
  readonly op: 'stream';
  readonly access: 'read' | 'write' | 'copy' | 'update';
  readonly bytes: number;
}

export type Problem =
  | MatmulProblem
  | Conv2dProblem
  | Pool2dProblem
  | FmaProblem
  | StreamProblem
  | PointwiseProblem
  | ReduceProblem
  | MomentsProblem
  | SoftmaxProblem
  | CopyProblem
  | RandomProblem
  | GatherProblem
  | ScatterAddProblem;
export type Op = Problem['op'];

export const NO_EPILOGUE: Epilogue = { bias: false, relu: false };

/** Largest extent of one dimension: offsets inside a matrix must fit the 32-bit integers that kernels index with. */
export const MAX_EXTENT = 2 ** 30;
/** Largest operand in bytes: the 4 GiB that a 32-bit address reaches. */
export const MAX_OPERAND_BYTES = 2 ** 32;

/** A checked matmul problem; what is left out is batch 1, no transposes, alpha 1, no epilogue, f32. Throws a RangeError that names the bad value. */
export function matmul(sizes: { m: number; n: number; k: number } & Partial<Omit<MatmulProblem, 'op'>>): MatmulProblem {
  const problem: MatmulProblem = {
    op: 'matmul',
    batch: 1,
    transposeA: false,
    transposeB: false,
    alpha: 1,
    epilogue: NO_EPILOGUE,
    dtype: 'f32',
    ...sizes,
  };
  for (const name of ['batch', 'm', 'n', 'k'] as const) {
    const value = problem[name];
    if (!Number.isInteger(value) || value < 1 || value > MAX_EXTENT)
      throw new RangeError(`matmul: ${name} is ${value}, expected a whole number from 1 to ${MAX_EXTENT}`);
  }
  if (problem.dtype !== 'f32' && problem.dtype !== 'f16') throw new RangeError(`matmul: dtype is ${problem.dtype}, expected f32 or f16`);
  if (problem.accumulate && (problem.dtype !== 'f32' || problem.epilogue.bias || problem.epilogue.relu))
    throw new RangeError('matmul: only an f32 product without an epilogue can be added to what C holds; leave accumulate out');
  const operands = matmulOperands(problem);
  for (const [name, elements] of Object.entries(operands)) {
    const bytes = elements * bytesPerElement(problem.dtype);
    if (bytes > MAX_OPERAND_BYTES)
      throw new RangeError(
        `matmul: operand ${name} of ${problem.m}x${problem.n}x${problem.k} needs ${bytes} bytes, more than the ${MAX_OPERAND_BYTES} a kernel can address`,
      );
  }
  return problem;
}

/** Elements of each operand of a matmul problem, inputs first and the output C last. */
export function matmulOperands({ batch, m, n, k, epilogue }: MatmulProblem): Record<string, number> {
  return { A: batch * m * k, B: batch * k * n, ...(epilogue.bias ? { bias: n } : {}), C: batch * m * n };
}

const f32s = (elements: number): Extent => ({ elements, dtype: 'f32' });

function streamOperands({ access, bytes }: StreamProblem): Record<string, Extent> {
  if (access === 'copy') return { from: f32s(bytes / 4), to: f32s(bytes / 4) };
  return access === 'read' ? { from: f32s(bytes / 4), out: f32s(1024) } : { to: f32s(bytes / 4) };
}

/** Elements and dtype of each operand of a problem, in the order that kernels name them; results last. */
export function operandExtents(problem: Problem): Record<string, Extent> {
  switch (problem.op) {
    case 'matmul':
      return Object.fromEntries(
        Object.entries(matmulOperands(problem)).map(([name, elements]) => [name, { elements, dtype: problem.dtype }]),
      );
    case 'fma':
      return { out: f32s(problem.threads * 128) };
    case 'stream':
      return streamOperands(problem);
    case 'conv2d':
      return conv2dOperands(problem);
    case 'pool2d':
      return pool2dOperands(problem);
    case 'pointwise':
      return pointwiseOperands(problem);
    case 'copy':
      return copyOperands(problem);
    case 'random':
      return randomOperands(problem);
    case 'gather':
      return gatherOperands(problem);
    case 'scatterAdd':
      return scatterAddOperands(problem);
    case 'reduce':
      return reduceOperands(problem);
    case 'moments':
      return momentsOperands(problem);
    case 'softmax':
      return softmaxOperands(problem);
  }
}

/** Names of the operands that a problem writes: one, but for max pooling, which also says where it found its maxima. */
export function resultNames(problem: Problem): string[] {
  const names = Object.keys(operandExtents(problem));
  return names.slice(problem.op === 'pool2d' && problem.kind === 'max' && problem.pass === 'forward' ? -2 : -1);
}

/** nn, nt, tn or tt: how A and B are stored, A first. */
export const transposeName = (problem: Pick<MatmulProblem, 'transposeA' | 'transposeB'>): string =>
  `${problem.transposeA ? 't' : 'n'}${problem.transposeB ? 't' : 'n'}`;

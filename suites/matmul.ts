// The matmul suite: C = epilogue(op(A) op(B)) over sizes, transposes, batches, dtypes and epilogues, on every kernel that can do it.

import { type Case, type Request, type Suite, UsageError } from '../harness/suite.ts';
import type { DeviceKind } from '../kernels/kernel.ts';
import { type DType, type Epilogue, type MatmulProblem, matmul, transposeName } from '../kernels/problem.ts';
import { type Shape, shapesOf } from './matmul-shapes.ts';
import { countOf, listOf } from './options.ts';

/** Squares that show the small, the cached and the large; quick stays below a second a call on anything. */
const SQUARES: readonly number[] = [64, 128, 256, 512, 1024];
const QUICK_SQUARES: readonly number[] = [64, 128, 256, 512];
/** Larger than this, only the CPU is asked in a quick run: an emulated GPU would take the whole time. */
const QUICK_LARGEST_ON_WEBGPU = 256;

const TRANSPOSES = ['nn', 'nt', 'tn', 'tt'];
const DTYPES: readonly DType[] = ['f32', 'f16'];
const EPILOGUES = ['bias', 'relu'];

function defaultShapes({ quick }: Request): Shape[] {
  return (quick ? QUICK_SQUARES : SQUARES).map((n) => ({ m: n, n, k: n, source: '--shapes' }));
}

/** The checked problem of a shape; what a kernel could never address is the user's to know. */
function problemOf(shape: Shape, transpose: string, batch: number, dtype: DType, epilogue: Epilogue): MatmulProblem {
  const { m, n, k, source } = shape;
  try {
    return matmul({ m, n, k, batch, dtype, epilogue, transposeA: transpose[0] === 't', transposeB: transpose[1] === 't' });
  } catch (error) {
    throw new UsageError(`${source}: ${(error as Error).message}`);
  }
}

/** `matmul/512x512x512/nn/f32`, with `b8`, the epilogue and `readback` only where there are any. */
function nameOf(problem: MatmulProblem, readback: boolean): string {
  const { m, n, k, batch, dtype, epilogue } = problem;
  const parts = ['matmul', `${m}x${n}x${k}`, ...(batch > 1 ? [`b${batch}`] : []), transposeName(problem), dtype];
  const applied = EPILOGUES.filter((name) => epilogue[name as keyof Epilogue]);
  return [...parts, ...(applied.length > 0 ? [applied.join('+')] : []), ...(readback ? ['readback'] : [])].join('/');
}

function cases(request: Request): Case[] {
  const shapes = request.shapes === undefined ? defaultShapes(request) : shapesOf(request.shapes);
  const transposes = listOf(request, 'transpose', TRANSPOSES, ['nn']);
  const dtypes = listOf(request, 'dtype', DTYPES, ['f32']);
  const applied = listOf(request, 'epilogue', EPILOGUES, []);
  const epilogue = { bias: applied.includes('bias'), relu: applied.includes('relu') };
  const batch = countOf(request, 'batch') ?? 1;
  const readback = request.options.readback === true;
  const listed = shapes.flatMap((shape) =>
    // A file says of each shape how it is stored, unless the command line says otherwise.
    (request.options.transpose === undefined && shape.transpose ? [shape.transpose] : transposes).flatMap((transpose) =>
      dtypes.map((dtype): Case => {
        const problem = problemOf(shape, transpose, batch, dtype, epilogue);
        const devices: DeviceKind[] | undefined =
          request.quick && request.shapes === undefined && shape.m > QUICK_LARGEST_ON_WEBGPU ? ['cpu'] : undefined;
        return { name: nameOf(problem, readback), problem, readback, devices };
      }),
    ),
  );
  // Files repeat shapes that occur in several nets: each is measured once.
  return [...new Map(listed.map((one) => [one.name, one])).values()];
}

const suite: Suite = {
  name: 'matmul',
  question: 'How fast is C = op(A) op(B), and how close to what the machine can do?',
  options: [
    { flags: '--transpose <list>', description: 'how A and B are stored: nn, nt, tn, tt' },
    { flags: '--batch <count>', description: 'matrices per call' },
    { flags: '--dtype <list>', description: 'f32, f16' },
    { flags: '--epilogue <list>', description: 'applied as the result is stored: bias, relu' },
    { flags: '--readback', description: 'each call ends with its result on the host' },
  ],
  cases,
};

export default suite;

// Conformance is what every kernel must pass: right results on awkward problems, for several of its configurations, with nothing written outside.
//
// One body for all kernels and devices. Each check is a problem with its operands; NaN and infinity are put into some rows.

import { refusal, validTunables } from './catalog.ts';
import type { Buffer, Device } from './device.ts';
import type { AnyKernel, Tunables } from './kernel.ts';
import { Launch } from './launch.ts';
import { bytesPerElement, type DType, type MatmulProblem, matmul, matmulOperands } from './problem.ts';
import { randomValues, seededRandom } from './random.ts';
import { matmulBound, matmulError, matmulReference, type Operands } from './reference.ts';

/** Words around the output that no kernel may touch. */
const CANARY_WORDS = 64;
/** -6.3e18 as an f32: far from every right result, and not a NaN, whose bits would survive arithmetic and hide a store. */
const CANARY = 0xdeadbeef;

export interface Finding {
  readonly problem: MatmulProblem;
  readonly tunables: Tunables;
  /** What is wrong; undefined where nothing is. */
  readonly fault?: string;
}

/** Sizes that divide nothing, that divide everything, and those around a kernel's tile; M, N, K. */
export function awkwardSizes(tile: { m: number; n: number; k: number }): [number, number, number][] {
  const { m, n, k } = tile;
  return [
    [1, 1, 1],
    [1, 17, 5],
    [13, 1, 29],
    [2, 3, 1031],
    [7, 11, 13],
    [m - 1, n - 1, k - 1],
    [m, n, k],
    [m + 1, n + 1, k + 1],
    [2 * m + 3, 3 * n + 5, 2 * k + 7],
    [37, 4, 64],
    [4, 40, 3],
    [61, 67, 71],
  ].map(([a, b, c]) => [Math.max(1, a), Math.max(1, b), Math.max(1, c)]);
}

/** The problems of a check, over sizes × transposes, with batch, alpha and epilogue varied among them so that each value is met often. */
export function* awkwardProblems(tile: { m: number; n: number; k: number }, dtype: DType): Generator<MatmulProblem> {
  let turn = 0;
  for (const [m, n, k] of awkwardSizes(tile))
    for (const transposeA of [false, true])
      for (const transposeB of [false, true]) {
        turn++;
        const epilogue = { bias: turn % 3 === 0, relu: turn % 5 === 1 };
        yield matmul({
          m,
          n,
          k,
          transposeA,
          transposeB,
          dtype,
          epilogue,
          alpha: turn % 5 === 2 ? -0.75 : 1,
          batch: turn % 7 === 3 ? 3 : 1,
          ...(turn % 3 === 1 && !epilogue.relu && dtype === 'f32' && { accumulate: true }),
        });
      }
}

/** Configurations to check: the defaults, and `count` others drawn by a seed. */
export function sampledTunables(kernel: AnyKernel, problem: MatmulProblem, device: Device, count: number, seed: number): Tunables[] {
  const all = [...validTunables(kernel, problem, device)];
  const random = seededRandom(seed);
  return [
    kernel.defaults(problem, device),
    ...Array.from({ length: Math.min(count, all.length) }, () => all[Math.floor(random() * all.length)]),
  ];
}

/** Puts NaN into one row of op(A) and infinity into one column of op(B), where the problem is large enough to have others. */
function poison({ m, n, k, transposeA, transposeB }: MatmulProblem, A: Float32Array, B: Float32Array): void {
  if (m < 3 || n < 3) return;
  const row = Math.floor(m / 2);
  const column = n - 2;
  A[transposeA ? row : row * k] = Number.NaN;
  B[transposeB ? column * k + k - 1 : (k - 1) * n + column] = Number.POSITIVE_INFINITY;
}

function operandsOf(problem: MatmulProblem, seed: number, poisoned: boolean): Record<string, Float32Array> {
  const values: Record<string, Float32Array> = {};
  for (const [name, count] of Object.entries(matmulOperands(problem))) {
    values[name] = randomValues(count, seed + name.charCodeAt(0));
    if (problem.dtype === 'f16') values[name] = new Float32Array(new Float16Array(values[name]));
  }
  if (poisoned) poison(problem, values.A, values.B);
  return values;
}

const stored = (values: Float32Array, dtype: DType): ArrayBufferView => (dtype === 'f16' ? new Float16Array(values) : values);
const loaded = (bytes: Uint8Array<ArrayBuffer>, dtype: DType): Float32Array =>
  dtype === 'f16'
    ? new Float32Array(new Float16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 1))
    : new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);

/**
 * Runs one configuration on one problem twice, into an output filled with garbage, and returns what is wrong with it, if anything:
 * an element beyond the error bound, a NaN or infinity that is missing or has spread, a changed word past the output, a second run with other bits.
 */
export async function check(
  device: Device,
  kernel: AnyKernel,
  problem: MatmulProblem,
  tunables: Tunables,
  seed = 1,
): Promise<string | undefined> {
  // WGSL lets an implementation assume that NaN and infinity do not occur; there, only finite values can be required.
  const poisoned = device.kind === 'cpu' && seed % 2 === 0;
  const operands = operandsOf(problem, seed, poisoned);
  const buffers: Record<string, Buffer> = {};
  const bytesOf = (name: string) => operands[name].length * bytesPerElement(problem.dtype);
  const padded = (bytes: number) => Math.ceil(bytes / 4) * 4;
  const run = () => {
    if (problem.accumulate) device.write(buffers.C, operands.C);
    launch.run(buffers);
    return device.read(buffers.C);
  };
  const launch = new Launch(device, kernel, problem, tunables);
  try {
    for (const name of Object.keys(operands)) {
      buffers[name] = device.alloc(padded(bytesOf(name)) + (name === 'C' ? CANARY_WORDS * 4 : 0));
      if (name === 'C') device.fill(buffers[name], CANARY);
      else device.write(buffers[name], stored(operands[name], problem.dtype));
    }
    await launch.ready;
    const first = await run();
    const second = await run();
    const canaries = new Uint32Array(first.buffer, padded(bytesOf('C')));
    const touched = canaries.findIndex((word) => word !== CANARY);
    if (touched >= 0) return `word ${touched} past the end of C was overwritten`;
    if (kernel.deterministic && first.some((byte, i) => byte !== second[i])) return 'two runs differ in their bits';
    return wrongElement(problem, operands, loaded(first.subarray(0, bytesOf('C')), problem.dtype));
  } finally {
    launch.free();
    for (const buffer of Object.values(buffers)) device.free(buffer);
  }
}

function wrongElement(problem: MatmulProblem, operands: Operands, result: Float32Array): string | undefined {
  const exact = matmulReference(problem, operands);
  const bound = matmulBound(problem);
  for (let i = 0; i < result.length; i++) {
    const error = matmulError(problem, operands, result, [i]);
    if (!(error <= bound))
      return `element ${i} (row ${Math.floor(i / problem.n) % problem.m}, column ${i % problem.n}) is ${result[i]}, expected ${exact[i]}; error ${error.toExponential(2)} is above the bound ${bound.toExponential(2)}`;
  }
  return undefined;
}

/** Checks a kernel on every awkward problem that it can do, with its defaults and `count` sampled configurations each. */
export async function* conform(device: Device, kernel: AnyKernel, count: number): AsyncGenerator<Finding> {
  let seed = 0;
  for (const dtype of ['f32', 'f16'] as const)
    for (const problem of awkwardProblems(tileOf(kernel, device), dtype)) {
      if (refusal(kernel, problem, device) !== undefined) continue;
      for (const tunables of sampledTunables(kernel, problem, device, count, ++seed)) {
        const invalid = refusal(kernel, problem, device, tunables);
        const fault = invalid
          ? `its own choice of tunables is not valid: ${invalid}`
          : await check(device, kernel, problem, tunables, seed);
        yield { problem, tunables, fault };
      }
    }
}

/** The extent that one tile of the kernel's default configuration covers, by the names tunables go by; 16 where there is none. */
function tileOf(kernel: AnyKernel, device: Device): { m: number; n: number; k: number } {
  const knobs = kernel.defaults(matmul({ m: 128, n: 128, k: 128 }), device);
  const m = knobs.MR ?? (knobs.TM ?? 1) * (knobs.WGY ?? 16);
  const n = knobs.NR ?? (knobs.TN ?? 1) * (knobs.WGX ?? 16);
  return { m, n, k: Math.min(knobs.KC ?? knobs.BK ?? 16, 64) };
}

// Operands are the seeded inputs of a problem on a device, the guarded buffer of its result, and the check of that result.

import type { Buffer, Device } from '../kernels/device.ts';
import { bytesPerElement, type DType, type MatmulProblem, operandElements, type Problem } from '../kernels/problem.ts';
import { randomValues, seededRandom } from '../kernels/random.ts';
import { matmulBound, matmulError, sampledIndices } from '../kernels/reference.ts';
import { ArmFailure } from './protocol.ts';

/** Words on either side of the result that no kernel may touch, and what they hold: -6.3e18, far from every right result, and not a NaN, whose bits would survive arithmetic and hide a store. */
const CANARY_WORDS = 16;
const CANARY = 0xdeadbeef;

/** Most results are checked whole; above this many elements, times K, only edges and seeded samples are. */
const CHECK_ALL_BELOW = 2 ** 21;

const stored = (values: Float32Array<ArrayBuffer>, dtype: DType): Float32Array<ArrayBuffer> | Float16Array<ArrayBuffer> =>
  dtype === 'f16' ? new Float16Array(values) : values;

/** Inputs of a matmul problem as stored, by operand name: the same for every arm of a case. */
export function matmulInputs(problem: MatmulProblem, seed: number): Record<string, Float32Array<ArrayBuffer> | Float16Array<ArrayBuffer>> {
  const { C: _, ...inputs } = operandElements(problem);
  return Object.fromEntries(
    Object.entries(inputs).map(([name, elements], i) => [name, stored(randomValues(elements, seed + i), problem.dtype)]),
  );
}

const wholeWords = (bytes: number): number => Math.ceil(bytes / 4) * 4;

/** The largest error of `result` against the reference; throws an ArmFailure 'wrong' where it breaks the contract's bound. */
export function checkMatmul(
  problem: MatmulProblem,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
  result: ArrayLike<number>,
  seed: number,
): number {
  const elements = operandElements(problem).C;
  const indices =
    elements * problem.k <= CHECK_ALL_BELOW ? Array.from({ length: elements }, (_, i) => i) : sampledIndices(problem, seededRandom(seed));
  const error = matmulError(problem, inputs, result, indices);
  const bound = matmulBound(problem);
  if (!(error <= bound))
    throw new ArmFailure(
      'wrong',
      `the result is off by ${error.toExponential(2)} of its scale, more than the bound ${bound.toExponential(2)}`,
    );
  return error;
}

/** The operands of a problem on a device. Of problems other than matmul only their buffers exist: nothing is checked. */
export class Operands {
  readonly buffers: Readonly<Record<string, Buffer>>;
  readonly resultBytes: number;
  #device: Device;
  #problem: Problem;
  #seed: number;
  #inputs: Record<string, Float32Array<ArrayBuffer> | Float16Array<ArrayBuffer>> = {};
  #guards: Buffer[] = [];

  constructor(device: Device, problem: Problem, seed: number) {
    this.#device = device;
    this.#problem = problem;
    this.#seed = seed;
    const elementBytes = problem.op === 'matmul' ? bytesPerElement(problem.dtype) : 4;
    const sizes = Object.entries(operandElements(problem)).map(([name, elements]) => [name, wholeWords(elements * elementBytes)] as const);
    this.resultBytes = sizes.at(-1)![1];
    const buffers: Record<string, Buffer> = {};
    for (const [name, bytes] of sizes) buffers[name] = name === 'C' ? this.#guarded(bytes) : device.alloc(bytes);
    this.buffers = buffers;
    if (problem.op === 'matmul') this.#inputs = matmulInputs(problem, seed);
    for (const [name, values] of Object.entries(this.#inputs)) device.write(buffers[name], words(values));
    // Pages that were never written are all one page of zeros: reading them would be reading the cache.
    if (problem.op !== 'matmul') for (const buffer of Object.values(buffers)) device.fill(buffer, 0x3f800000);
  }

  /** The result with a tail of canary words, between two buffers of them: a neighbour where the device packs its memory. */
  #guarded(bytes: number): Buffer {
    const guard = () => this.#device.alloc(CANARY_WORDS * 4);
    const before = guard();
    const result = this.#device.alloc(bytes + CANARY_WORDS * 4);
    this.#guards = [before, guard()];
    for (const buffer of [...this.#guards, result]) this.#device.fill(buffer, CANARY);
    return result;
  }

  /** Bytes that were written to the device. */
  get inputBytes(): number {
    return Object.values(this.#inputs).reduce((sum, values) => sum + values.byteLength, 0);
  }

  /** Reads the result and checks it with its canaries. Returns the largest error; throws an ArmFailure 'wrong'. */
  async check(): Promise<number | undefined> {
    if (this.#problem.op !== 'matmul') return undefined;
    const whole = await this.#device.read(this.buffers.C);
    const tail = whole.slice(this.resultBytes);
    const guards = await Promise.all(this.#guards.map((guard) => this.#device.read(guard)));
    for (const [where, bytes] of [['after the result', tail] as const, ...guards.map((bytes) => ['beside the result', bytes] as const)])
      if (!new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4).every((word) => word === CANARY))
        throw new ArmFailure('wrong', `the kernel wrote ${where}, outside of its ${this.resultBytes} bytes`);
    const elements = operandElements(this.#problem).C;
    const result =
      this.#problem.dtype === 'f16'
        ? new Float16Array(whole.buffer, whole.byteOffset, elements)
        : new Float32Array(whole.buffer, whole.byteOffset, elements);
    return checkMatmul(this.#problem, this.#inputs, result, this.#seed);
  }

  free(): void {
    for (const buffer of [...Object.values(this.buffers), ...this.#guards]) this.#device.free(buffer);
    this.#inputs = {};
  }
}

/** The bytes of `values`, filled up with zeros to whole 32-bit words. */
function words(values: Float32Array | Float16Array): Uint8Array {
  const bytes = new Uint8Array(wholeWords(values.byteLength));
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return bytes;
}

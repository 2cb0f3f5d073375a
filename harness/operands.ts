// Operands are the seeded inputs of a problem on a device, the guarded buffers of its results, and the check of those results.

import type { Buffer, Device } from '../kernels/device.ts';
import { type Extent, paddedBytes, type Values, valuesIn, valuesOf } from '../kernels/dtype.ts';
import { operandExtents, type Pool2dProblem, type Problem, resultNames } from '../kernels/problem.ts';
import { type Axis, windowsOf } from '../kernels/problems/window.ts';
import { randomValues, seededRandom } from '../kernels/random.ts';
import { type Expected, expectations } from './expectations.ts';
import { type Accuracy, compare } from './oracle.ts';
import { ArmFailure } from './protocol.ts';

/** Words on either side of the result that no kernel may touch, and what they hold: -6.3e18, far from every right result, and not a NaN, whose bits would survive arithmetic and hide a store. */
const CANARY_WORDS = 16;
const CANARY = 0xdeadbeef;
/** 1.0: what buffers hold that the loops of the roof pass over. */
const ONE = 0x3f800000;

/** Seeded values of one operand, as stored: floats in [-1, 1), small whole numbers otherwise. */
function seededValues({ elements, dtype }: Extent, seed: number): Values {
  if (dtype === 'f32') return randomValues(elements, seed);
  if (dtype === 'f16') return valuesOf(dtype, randomValues(elements, seed));
  const random = seededRandom(seed);
  const [low, high] = dtype === 'bool' ? [0, 2] : dtype === 'u8' ? [0, 256] : [-100, 100];
  return valuesOf(
    dtype,
    Array.from({ length: elements }, () => low + Math.floor(random() * (high - low))),
  );
}

/** One element that each window of a max pooling may have found its maximum at: of its taps in the input a seeded one. */
function seededMaxima({ planes, vertical, horizontal }: Pool2dProblem, seed: number): Values {
  const random = seededRandom(seed);
  const [rows, columns] = [windowsOf(vertical), windowsOf(horizontal)];
  const within = ({ size, window, stride, dilation, before }: Axis, at: number): number => {
    const start = at * stride - before;
    const first = Math.max(0, Math.ceil(-start / dilation));
    const last = Math.min(window - 1, Math.floor((size - 1 - start) / dilation));
    return start + dilation * (first + Math.floor(random() * (last - first + 1)));
  };
  const indices = new Int32Array(planes * rows * columns);
  for (let i = 0; i < indices.length; i++)
    indices[i] = within(vertical, Math.floor(i / columns) % rows) * horizontal.size + within(horizontal, i % columns);
  return indices;
}

/** Values of everything that a problem reads, by operand name, as stored: the same for every arm of a case. */
export function seededInputs(problem: Problem, seed: number): Record<string, Values> {
  const extents = operandExtents(problem);
  const results = resultNames(problem);
  // What is computed in place is read from the result.
  const inPlace = problem.op === 'pointwise' && problem.inPlace !== undefined;
  const read = Object.entries(extents).filter(([name]) => inPlace || !results.includes(name));
  return Object.fromEntries(read.map(([name, extent], i) => [name, inputValues(problem, name, extent, seed + i)]));
}

function inputValues(problem: Problem, name: string, extent: Extent, seed: number): Values {
  if (name === 'indices' && problem.op === 'pool2d') return seededMaxima(problem, seed);
  if (name !== 'indices' || !('rows' in problem)) return seededValues(extent, seed);
  const random = seededRandom(seed);
  return Int32Array.from({ length: extent.elements }, () => Math.floor(random() * problem.rows));
}

/** Bytes of all results. */
export const resultBytes = (problem: Problem): number => {
  const extents = operandExtents(problem);
  return resultNames(problem).reduce((sum, name) => sum + paddedBytes(extents[name]), 0);
};

/** The operands of a problem on a device. The loops of the roof have buffers, but nothing in them is checked. */
export class Operands {
  readonly buffers: Record<string, Buffer>;
  #device: Device;
  #problem: Problem;
  #seed: number;
  #extents: Readonly<Record<string, Extent>>;
  #results: readonly string[];
  #inputs: Record<string, Values>;
  #guards: Buffer[] = [];
  #lasting: boolean;
  /** What was expected at the last check that may be followed by others, by the kernel's error factor. */
  #expected = new Map<number, readonly Expected[] | undefined>();

  /** `lasting` operands can be renewed and checked any number of times, others once. */
  constructor(device: Device, problem: Problem, seed: number, { lasting = false }: { lasting?: boolean } = {}) {
    this.#device = device;
    this.#lasting = lasting;
    this.#problem = problem;
    this.#seed = seed;
    this.#extents = operandExtents(problem);
    this.#results = resultNames(problem);
    const isLoop = problem.op === 'fma' || problem.op === 'stream';
    this.#inputs = isLoop ? {} : seededInputs(problem, seed);
    const buffers: Record<string, Buffer> = {};
    for (const [name, extent] of Object.entries(this.#extents)) {
      const bytes = paddedBytes(extent);
      buffers[name] = !isLoop && this.#results.includes(name) ? this.#guarded(bytes) : device.alloc(bytes);
      // Pages that were never written are all one page of zeros: reading them would be reading the cache.
      if (isLoop) device.fill(buffers[name], ONE);
    }
    this.buffers = buffers;
    for (const [name, values] of Object.entries(this.#inputs)) device.write(buffers[name], words(values));
  }

  /** A result with a tail of canary words, between two buffers of them: a neighbour where the device packs its memory. */
  #guarded(bytes: number): Buffer {
    const guard = () => this.#device.alloc(CANARY_WORDS * 4);
    const before = guard();
    const result = this.#device.alloc(bytes + CANARY_WORDS * 4);
    const guards = [before, guard()];
    for (const buffer of [...guards, result]) this.#device.fill(buffer, CANARY);
    this.#guards.push(...guards);
    return result;
  }

  get resultBytes(): number {
    return resultBytes(this.#problem);
  }

  /** Reads the results back to the host, as a call of a case with readback does. */
  async read(): Promise<void> {
    for (const name of this.#results) await this.#device.read(this.buffers[name], 0, paddedBytes(this.#extents[name]));
  }

  /**
   * Reads the results and checks them with their canaries, after the first call and only then: inputs that a call changes must be fresh; see `renew`. `errorFactor`
   * is the kernel's; `sampled` leaves out all but edges and seeded elements. Throws an ArmFailure 'wrong'.
   */
  async check(errorFactor?: number, sampled = false): Promise<Accuracy | undefined> {
    const results: Record<string, Values> = {};
    for (const guard of this.#guards) this.#checkCanaries(await this.#device.read(guard), 'beside the result', 0);
    for (const name of this.#guards.length > 0 ? this.#results : []) {
      const whole = await this.#device.read(this.buffers[name]);
      this.#checkCanaries(whole, 'after the result', paddedBytes(this.#extents[name]));
      results[name] = valuesIn(this.#extents[name], whole);
    }
    const expected = this.#expectedWith(errorFactor, sampled);
    if (!this.#lasting) this.#inputs = {};
    return expected && compare(expected, results);
  }

  #expectedWith(errorFactor = 1, sampled = false): Iterable<Expected> | undefined {
    const find = () => expectations(this.#problem, this.#inputs, { device: this.#device.kind, seed: this.#seed, errorFactor, sampled });
    if (!this.#lasting) return find();
    if (!this.#expected.has(errorFactor)) {
      const expected = find();
      this.#expected.set(errorFactor, expected && [...expected]);
    }
    return this.#expected.get(errorFactor);
  }

  /** Fills the results with garbage again and puts back what a call has changed, before the first call of another kernel. */
  renew(): void {
    for (const buffer of [...this.#guards, ...this.#results.map((name) => this.buffers[name])]) this.#device.fill(buffer, CANARY);
    for (const name of this.#results) if (this.#inputs[name]) this.#device.write(this.buffers[name], words(this.#inputs[name]));
  }

  #checkCanaries(bytes: Uint8Array, where: string, from: number): void {
    if (!new Uint32Array(bytes.buffer, bytes.byteOffset + from, (bytes.byteLength - from) / 4).every((word) => word === CANARY))
      throw new ArmFailure('wrong', `the kernel wrote ${where}, outside of its ${this.resultBytes} bytes`);
  }

  /** Gives an operand's buffer back that no later call reads. */
  release(name: string): void {
    this.#device.free(this.buffers[name]);
    delete this.buffers[name];
  }

  free(): void {
    for (const buffer of [...Object.values(this.buffers), ...this.#guards]) this.#device.free(buffer);
    this.#inputs = {};
  }
}

/** The bytes of `values`, filled up with zeros to whole 32-bit words. */
function words(values: Values): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (bytes.length % 4 === 0) return bytes;
  const whole = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  whole.set(bytes);
  return whole;
}

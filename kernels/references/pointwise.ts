// Pointwise in float64, with a running bound on what f32 arithmetic may be off by: each step adds its own rounding to what its operands bring.
//
// The bound is of first order (Wilkinson, Rounding Errors in Algebraic Processes, 1963). Where a comparison could go either way it is infinite.

import { type DType, valueTypeOf } from '../dtype.ts';
import { type Operation, type Step, stepsOf } from '../expression.ts';
import type { DeviceKind } from '../kernel.ts';
import { denseStrides, elementCount, type PointwiseProblem } from '../problems/pointwise.ts';

/** A value in float64, and how far an f32 result may lie from it. */
export interface Bounded {
  readonly value: number;
  readonly error: number;
}

/** Units in the last place (2^-23 of the value) that an operation may be off by; others half of one. */
const ULPS: Record<DeviceKind, Partial<Record<Operation, number>>> = {
  cpu: { exp: 2, log: 2, tanh: 4, erf: 4, pow: 1, neg: 0, abs: 0, floor: 0, min: 0, max: 0, where: 0 },
  // WGSL 15.7.4 for exp (3 + 2|x|), log, pow, division; tanh and erf are made of them.
  webgpu: { exp: 3, log: 4, tanh: 16, erf: 32, pow: 64, div: 2.5, sqrt: 3, neg: 0, abs: 0, floor: 0, min: 0, max: 0, where: 0 },
};

/** The result's own granularity: a denormal, or the smallest normal number where denormals may be flushed to zero. */
const TINY: Record<DeviceKind, number> = { cpu: 2 ** -149, webgpu: 2 ** -125 };
const LARGEST = 3.4028235677973366e38;

function rounding({ kind, type }: Step, value: number, operands: readonly Bounded[], device: DeviceKind): number {
  if (type !== 'f32' || !Number.isFinite(value)) return 0;
  let ulps = ULPS[device][kind as Operation] ?? 0.5;
  if (device === 'webgpu' && kind === 'exp') ulps += 2 * Math.abs(operands[0].value);
  if (device === 'webgpu' && kind === 'pow') ulps += 4 * Math.abs(operands[1].value * Math.log2(Math.abs(operands[0].value) || 1));
  // Near 1 WGSL bounds the error of log by 2^-21, not relative to the result.
  const absolute = device === 'webgpu' && kind === 'log' ? 2 ** -21 : 0;
  return ulps === 0 ? 0 : ulps * 2 ** -23 * Math.abs(value) + TINY[device] + absolute;
}

/** An error so large that the result may be anything. */
const UNKNOWN = Infinity;
const decided = (holds: (a: number, b: number) => boolean, a: Bounded, b: Bounded): Bounded => {
  const slack = a.error + b.error;
  return { value: Number(holds(a.value, b.value)), error: slack > 0 && Math.abs(a.value - b.value) <= slack ? UNKNOWN : 0 };
};
const step = (of: (x: number) => number, { value, error }: Bounded): Bounded => ({
  value: of(value),
  error: error > 0 && of(value - error) !== of(value + error) ? 1 + error : 0,
});

/** erf by its series of positive terms: 2/√π · e^-x² · Σ 2^n x^(2n+1) / (2n+1)!!. */
export function erf(x: number): number {
  if (!(Math.abs(x) < 6)) return Number.isNaN(x) ? x : Math.sign(x);
  let sum = x;
  for (let n = 1, term = x; Math.abs(term) > 1e-18 * Math.abs(sum); n++) sum += term *= (2 * x * x) / (2 * n + 1);
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** C's pow: unlike Math.pow, 1 to any power is 1, and so is -1 to an infinite one. */
export const pow = (x: number, y: number): number => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y);

const toI32 = (x: number): number => (Number.isNaN(x) ? 0 : Math.trunc(Math.min(Math.max(x, -(2 ** 31)), 2 ** 31 - 1)));

/** The exact result of one operation, with the error that its operands bring. */
function operate({ kind, type, operandTypes }: Step, operands: readonly Bounded[]): Bounded {
  const [a, b, c] = operands;
  const [x, y] = [a.value, b?.value];
  const wrap = (value: number): number => (type === 'i32' ? value | 0 : value);
  switch (kind) {
    case 'neg':
      return { value: wrap(-x), error: a.error };
    case 'abs':
      return { value: wrap(Math.abs(x)), error: a.error };
    case 'exp':
      return { value: Math.exp(x), error: a.error && Math.exp(x) * Math.expm1(a.error) };
    case 'log':
      return { value: Math.log(x), error: a.error && (a.error < Math.abs(x) ? a.error / (Math.abs(x) - a.error) : UNKNOWN) };
    case 'sqrt':
      return { value: Math.sqrt(x), error: a.error && (a.error < x ? a.error / Math.sqrt(x - a.error) : UNKNOWN) };
    case 'floor':
      return step(Math.floor, a);
    case 'tanh':
      return { value: Math.tanh(x), error: a.error };
    case 'erf':
      return { value: erf(x), error: 1.13 * a.error };
    case 'not':
      return { value: 1 - x, error: a.error };
    case 'add':
      return { value: wrap(x + y), error: a.error + b.error };
    case 'sub':
      return { value: wrap(x - y), error: a.error + b.error };
    case 'mul':
      return type === 'i32'
        ? { value: Math.imul(x, y), error: 0 }
        : { value: x * y, error: product(x, b.error) + product(y, a.error) + a.error * b.error };
    case 'div':
      return {
        value: x / y,
        error: a.error + b.error && (b.error < Math.abs(y) ? (a.error + product(x / y, b.error)) / (Math.abs(y) - b.error) : UNKNOWN),
      };
    case 'pow': {
      const value = pow(x, y);
      const relative = product(y / x, a.error) + product(Math.log(Math.abs(x)), b.error);
      return { value, error: a.error + b.error && Math.abs(value) * Math.expm1(1.1 * relative) };
    }
    case 'min':
      return { value: Math.min(x, y), error: Math.max(a.error, b.error) };
    case 'max':
      return { value: Math.max(x, y), error: Math.max(a.error, b.error) };
    case 'eq':
      return decided((p, q) => p === q, a, b);
    case 'ne':
      return decided((p, q) => p !== q, a, b);
    case 'lt':
      return decided((p, q) => p < q, a, b);
    case 'le':
      return decided((p, q) => p <= q, a, b);
    case 'gt':
      return decided((p, q) => p > q, a, b);
    case 'ge':
      return decided((p, q) => p >= q, a, b);
    case 'and':
      return { value: x && y, error: a.error + b.error };
    case 'or':
      return { value: x || y, error: a.error + b.error };
    case 'where':
      return a.error > 0 ? { value: x ? y : c.value, error: UNKNOWN } : x ? b : c;
    case 'f32':
      return a;
    case 'i32':
      return operandTypes[0] === 'f32' ? step(toI32, a) : a;
    case 'bool':
      return decided((p) => p !== 0, a, { value: 0, error: 0 });
    default:
      throw new TypeError(`reference: ${kind} is not an operation`);
  }
}

/** |x| · error, where 0 · ∞ is 0. */
const product = (x: number, error: number): number => (error === 0 ? 0 : Math.abs(x) * error);

/** The expression's value for one element, from the values of its inputs. */
export function evaluate(
  { expression, scalars }: Pick<PointwiseProblem, 'expression' | 'scalars'>,
  inputs: readonly number[],
  device: DeviceKind,
): Bounded {
  const done: Bounded[] = [];
  for (const step of stepsOf(expression)) {
    if (step.kind === 'input') done.push({ value: inputs[step.value], error: 0 });
    else if (step.kind === 'scalar') done.push({ value: Math.fround(scalars[step.value]), error: 0 });
    else if (step.kind === 'constant') done.push({ value: step.value, error: 0 });
    else {
      const operands = step.operands.map((i) => done[i]);
      let { value, error } = operate(step, operands);
      if (step.type === 'f32' && Math.abs(value) >= LARGEST) value = Math.sign(value) * Infinity;
      error += rounding(step, value, operands, device);
      done.push({ value, error });
    }
  }
  return done[done.length - 1];
}

/** Element `flat` of the output, row-major; `operands` are the values of `x0`, `x1`, .. as stored, one in place among them. */
export function pointwiseElement(
  problem: PointwiseProblem,
  operands: readonly ArrayLike<number>[],
  device: DeviceKind,
  flat: number,
): Bounded {
  const { shape, inputs } = problem;
  const dense = denseStrides(shape);
  const index = shape.map((size, d) => Math.floor(flat / dense[d]) % size);
  const values = inputs.map(({ dtype, strides, offset }, i) => {
    const value = operands[i][index.reduce((sum, at, d) => sum + at * strides[d], offset)];
    return dtype === 'bool' ? Number(value !== 0) : value;
  });
  return storedAs(problem.dtype, evaluate(problem, values, device));
}

/** Every element of the output. */
export function* pointwiseReference(
  problem: PointwiseProblem,
  operands: readonly ArrayLike<number>[],
  device: DeviceKind,
): Generator<Bounded> {
  for (let flat = 0; flat < elementCount(problem.shape); flat++) yield pointwiseElement(problem, operands, device, flat);
}

/** What a dtype makes of a value: f16 rounds it, u8 keeps its low 8 bits. */
export function storedAs(dtype: DType, { value, error }: Bounded): Bounded {
  if (dtype === 'u8') return { value: value & 255, error };
  if (dtype === 'f16') return { value, error: error + Math.abs(value) * 2 ** -11 + 2 ** -24 };
  return { value: valueTypeOf(dtype) === 'bool' ? Number(value !== 0) : value, error };
}

/** Whether an element that was computed agrees with the reference: NaN with NaN, infinities of one sign, else within the error. */
export const agrees = (got: number, { value, error }: Bounded): boolean =>
  Object.is(got, value) || got === value || !(error < UNKNOWN) || Math.abs(got - value) <= error;

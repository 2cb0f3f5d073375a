// Lanes are the elements that one vector holds: how they are loaded, computed step by step, and stored.
//
// In registers an f32 is an f32, an i32 and a u8 are 32-bit integers, and a bool is a mask: all bits or none.

import { bytesPerElement, type DType } from '../../dtype.ts';
import type { Step, ValueType } from '../../expression.ts';
import { advance, f32x4, i8x16, i16x8, i32x4, type Local, set, type Value, v128 } from '../assembly.ts';
import { constantsOf, erf, exp, floats, integers, log, pow, SCRATCH, tanh, type Vector } from '../math.ts';

const FUNCTIONS: Partial<Record<Step['kind'], typeof exp>> = { exp, log, tanh, erf };

/** Computes one operation of up to three vectors into a register that is none of them. */
export function operate(step: Step, into: Vector, operands: readonly Vector[], scratch: readonly Vector[]): void {
  const math = FUNCTIONS[step.kind];
  if (math) math(into, operands[0], scratch);
  else if (step.kind === 'pow') pow(into, operands[0], operands[1], scratch);
  else set(into, instruction(step, operands));
}

/** The constants that computing `steps` asks for. */
export const constantsOfSteps = (steps: readonly Step[]): ReturnType<typeof constantsOf> =>
  constantsOf(4 + SCRATCH, ([into, ...operands]) => {
    for (const each of steps) if (each.operands.length > 0) operate(each, into, operands, operands.slice(3));
  });

/** Operations that WebAssembly has instructions for. */
function instruction({ kind, type, operandTypes }: Step, [a, b, c]: readonly Vector[]): Value<'v128'> {
  const [from] = operandTypes;
  const isFloat = from === 'f32';
  switch (kind) {
    case 'neg':
    case 'abs':
      return (isFloat ? f32x4 : i32x4)[kind](a);
    case 'sqrt':
    case 'floor':
      return f32x4[kind](a);
    case 'not':
      return v128.not(a);
    case 'and':
    case 'or':
      return v128[kind](a, b);
    case 'add':
    case 'sub':
    case 'mul':
    case 'eq':
    case 'ne':
      return (isFloat ? f32x4 : i32x4)[kind](a, b);
    case 'div':
      return f32x4.div(a, b);
    case 'min':
    case 'max':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return isFloat ? f32x4[kind](a, b) : i32x4[`${kind}_s`](a, b);
    case 'where':
      return v128.bitselect(b, c, a);
    case 'f32':
    case 'i32':
    case 'bool':
      return cast(a, from, type);
    default:
      throw new TypeError(`lanes: there is no instruction for ${kind}`);
  }
}

function cast(value: Vector, from: ValueType, to: ValueType): Value<'v128'> {
  if (from === to) return value;
  if (to === 'f32') return from === 'i32' ? f32x4.convert_i32x4_s(value) : v128.and(value, floats(1));
  if (to === 'i32') return from === 'f32' ? i32x4.trunc_sat_f32x4_s(value) : v128.and(value, integers(1));
  return from === 'f32' ? f32x4.ne(value, floats(0)) : i32x4.ne(value, integers(0));
}

/** A constant in all lanes. */
export function constantLanes({ type, value }: Step): Value<'v128'> {
  if (type === 'f32') return floats(value);
  return integers(type === 'bool' ? -value : value);
}

/** Turns four bytes in the low lanes of a register into four values. */
function widen(into: Vector, dtype: DType): void {
  if (bytesPerElement(dtype) !== 1) return;
  set(into, i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(into)));
  if (dtype === 'bool') set(into, i32x4.ne(into, integers(0)));
}

/** Loads four elements that lie one after another. */
export function loadRow(into: Vector, dtype: DType, address: Local, offset: number): void {
  set(into, bytesPerElement(dtype) === 4 ? v128.load({ offset }, address) : v128.load32_zero({ offset }, address));
  widen(into, dtype);
}

/** Loads one element into all lanes. */
export function loadRepeated(into: Vector, dtype: DType, address: Local): void {
  set(into, bytesPerElement(dtype) === 4 ? v128.load32_splat({}, address) : v128.load8_splat({}, address));
  widen(into, dtype);
}

/** Loads four elements that are `stride` bytes apart, and moves the address past them. */
export function loadStrided(into: Vector, dtype: DType, address: Local, stride: Local): void {
  const wide = bytesPerElement(dtype) === 4;
  set(into, integers(0));
  for (let lane = 0; lane < 4; lane++) {
    set(into, wide ? v128.load32_lane({}, lane, address, into) : v128.load8_lane({}, lane, address, into));
    advance(address, stride);
  }
  widen(into, dtype);
}

/** Narrows values to the bytes that a dtype stores, in the low lanes; changes the register. */
function narrow(value: Vector, dtype: DType): void {
  if (bytesPerElement(dtype) !== 1) return;
  set(value, v128.and(value, integers(dtype === 'bool' ? 1 : 255)));
  set(value, i16x8.narrow_i32x4_u(value, value));
  set(value, i8x16.narrow_i16x8_u(value, value));
}

/** Stores four values one after another, or only the first; changes the register. */
export function store(value: Vector, dtype: DType, address: Local, offset: number, lanes: 1 | 4): void {
  narrow(value, dtype);
  const wide = bytesPerElement(dtype) === 4;
  if (lanes === 4 && wide) v128.store({ offset }, address, value);
  else if (lanes === 4 || wide) v128.store32_lane({ offset }, 0, address, value);
  else v128.store8_lane({ offset }, 0, address, value);
}

// Math is what WGSL lacks or leaves inaccurate: erf, tanh that overflows on some drivers, and pow of negative numbers. Written for f32 or vec4<f32>.

import { type Expression, type Step, stepsOf } from '../expression.ts';
import { typeName, type Width } from './elements.ts';

/** Polynomials of Cephes (tanh) and N. Juffa (erf), as on the CPU; both by one exp for large arguments. */
const FUNCTIONS: Readonly<Record<string, (type: string) => string>> = {
  tanh: (type) => `fn tanh_of(x: ${type}) -> ${type} {
  let z = x * x;
  let p = (((-5.70498872745e-3 * z + 2.06390887954e-2) * z - 5.37397155531e-2) * z + 1.33314422036e-1) * z - 3.33332819422e-1;
  let large = 1.0 - 2.0 / (exp(2.0 * min(abs(x), ${type}(10.0))) + 1.0);
  return select(sign(x) * large, p * z * x + x, abs(x) < ${type}(0.625));
}`,
  erf: (type) => `fn erf_of(x: ${type}) -> ${type} {
  let s = x * x;
  let t = min(abs(x), ${type}(4.0));
  let p = ((((-5.96761703e-4 * s + 4.99119423e-3) * s - 2.67681349e-2) * s + 1.12819925e-1) * s - 3.76125336e-1) * s + 1.28379166e-1;
  var q = ((-1.7285347e-5 * t + 3.83197126e-4) * t - 3.88396438e-3) * t + 2.42546219e-2;
  q = ((q * t - 1.06777877e-1) * t - 6.34846687e-1) * t - 1.28717512e-1;
  return select(sign(x) * (1.0 - exp(q * t - t)), p * x + x, abs(x) < ${type}(0.927734375));
}`,
  pow: (type) => `fn pow_of(x: ${type}, y: ${type}) -> ${type} {
  let zero = ${type}(0.0);
  let size = pow(abs(x), y);
  let whole = floor(y) == y;
  let odd = whole & (floor(0.5 * y) * 2.0 != y);
  let signed = select(size, -size, odd & (x < zero));
  return select(select(signed, (x - x) / (x - x), (x < zero) & !whole), ${type}(1.0), y == zero);
}`,
};

/** The functions that an expression calls. */
export const functionsFor = (expression: Expression, width: Width): string =>
  [...new Set(stepsOf(expression).map(({ kind }) => kind))]
    .filter((kind) => kind in FUNCTIONS)
    .map((kind) => FUNCTIONS[kind](typeName('f32', width)))
    .join('\n');

const INFIX: Partial<Record<Step['kind'], string>> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
  and: '&',
  or: '|',
};

const literal = ({ type, value }: Step): string =>
  type === 'bool' ? `${value !== 0}` : type === 'i32' ? `i32(${value})` : `f32(${Object.is(value, -0) ? '-0.0' : value})`;

/** One step as a WGSL expression over the names of its operands; leaves other than constants are the caller's. */
export function operation(step: Step, [a, b, c]: readonly string[], width: Width): string {
  const { kind, type, operandTypes } = step;
  const infix = INFIX[kind];
  if (infix) return `${a} ${infix} ${b}`;
  switch (kind) {
    case 'constant':
      return `${typeName(type, width)}(${literal(step)})`;
    case 'neg':
      return `-${a}`;
    case 'not':
      return `!${a}`;
    case 'where':
      return `select(${c}, ${b}, ${a})`;
    case 'tanh':
    case 'erf':
    case 'pow':
      return `${kind}_of(${[a, b].filter(Boolean).join(', ')})`;
    case 'min':
    case 'max':
      return `${kind}(${a}, ${b})`;
    case 'bool':
      return operandTypes[0] === 'bool' ? a : `${a} != ${typeName(operandTypes[0], width)}(0)`;
    case 'f32':
    case 'i32':
      return `${typeName(kind, width)}(${a})`;
    default:
      return `${kind}(${a})`;
  }
}

/** WGSL has no way to write a number that is not finite. */
export const hasInfiniteConstant = (expression: Expression): boolean =>
  stepsOf(expression).some(({ kind, value }) => kind === 'constant' && !Number.isFinite(value));

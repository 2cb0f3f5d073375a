// The table of pointwise ops: each row an expression for one element, and its gradient beside it.
//
// Derivatives at a kink are those of PyTorch: ties of maximum and minimum share the gradient, relu and abs have 0 at 0, clip passes it on at its bounds.

import {
  constant,
  apply as form,
  gelu as geluOf,
  leakyRelu as leakyReluOf,
  sigmoid as sigmoidOf,
  square as squareOf,
} from '../../kernels/expression.ts';
import type { DType } from '../../kernels/index.ts';
import { checkDtype } from '../layout.ts';
import { apply, type Op, type Operand, type Value } from '../op.ts';
import { elementwise, operation, type Row } from './elementwise.ts';

const rows = {
  add: { forward: operation('add'), keeps: [], gradient: (_, g) => [() => g, () => g] },
  sub: { forward: operation('sub'), keeps: [], gradient: (_, g) => [() => g, () => neg(g)] },
  mul: { forward: operation('mul'), keeps: ['inputs'], gradient: ({ operands: [x, y] }, g) => [() => mul(g, y), () => mul(g, x)] },
  div: {
    forward: operation('div'),
    gradient: ({ operands: [, y], output }, g) => [() => div(g, y), () => neg(div(mul(g, output), y))],
  },
  pow: {
    forward: operation('pow'),
    gradient: ({ operands: [x, y], output }, g) => [
      () => mul(g, mul(pow(x, typeof y === 'number' ? y - 1 : sub(y, 1)), y)),
      // 0^y does not change with y, but the logarithm of 0 would make it NaN.
      () => mul(g, typeof x === 'number' ? mul(output, x === 0 ? 0 : Math.log(x)) : where(eq(x, 0), 0, mul(output, log(x)))),
    ],
  },
  maximum: {
    forward: operation('max'),
    keeps: ['inputs'],
    gradient: ({ operands: [x, y] }, g) => [() => wonBy(gt(x, y), eq(x, y), g), () => wonBy(lt(x, y), eq(x, y), g)],
  },
  minimum: {
    forward: operation('min'),
    keeps: ['inputs'],
    gradient: ({ operands: [x, y] }, g) => [() => wonBy(lt(x, y), eq(x, y), g), () => wonBy(gt(x, y), eq(x, y), g)],
  },
  where: {
    forward: operation('where'),
    keeps: ['inputs'],
    gradient: ({ operands: [condition] }, g) => [() => mul(g, 0), () => where(condition, g, 0), () => where(condition, 0, g)],
  },
  clip: {
    forward: ([x, low, high]) => form('min', form('max', x, low), high),
    keeps: ['inputs'],
    gradient: ({ operands: [x, low, high] }, g) => [
      () => where(and(ge(x, low), le(x, high)), g, 0),
      () => where(lt(x, low), g, 0),
      () => where(gt(x, high), g, 0),
    ],
  },
  neg: { forward: operation('neg'), keeps: [], gradient: (_, g) => [() => neg(g)] },
  abs: { forward: operation('abs'), keeps: ['inputs'], gradient: ({ operands: [x] }, g) => [() => mul(g, sign(x))] },
  sign: {
    forward: ([x]) => {
      const [one, zero, minusOne] = [1, 0, -1].map((value) => constant(value, x.type));
      return form('where', form('gt', x, zero), one, form('where', form('lt', x, zero), minusOne, zero));
    },
    keeps: [],
    gradient: (_, g) => [() => mul(g, 0)],
  },
  floor: { forward: operation('floor'), keeps: [], gradient: (_, g) => [() => mul(g, 0)] },
  exp: { forward: operation('exp'), keeps: ['output'], gradient: ({ output }, g) => [() => mul(g, output)] },
  log: { forward: operation('log'), keeps: ['inputs'], gradient: ({ operands: [x] }, g) => [() => div(g, x)] },
  sqrt: { forward: operation('sqrt'), keeps: ['output'], gradient: ({ output }, g) => [() => div(mul(g, 0.5), output)] },
  square: { forward: ([x]) => squareOf(x), keeps: ['inputs'], gradient: ({ operands: [x] }, g) => [() => mul(g, mul(x, 2))] },
  erf: {
    forward: operation('erf'),
    keeps: ['inputs'],
    gradient: ({ operands: [x] }, g) => [() => mul(g, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI)))],
  },
  relu: {
    forward: ([x]) => form('max', x, constant(0, x.type)),
    keeps: ['output'],
    gradient: ({ output }, g) => [() => reluGrad(output, g)],
  },
  reluGrad: {
    forward: ([y, g]) => form('where', form('gt', y, constant(0, y.type)), g, constant(0, g.type)),
    keeps: ['inputs'],
    gradient: ({ operands: [y] }, g) => [() => mul(g, 0), () => reluGrad(y, g)],
  },
  sigmoid: {
    forward: ([x]) => sigmoidOf(x),
    keeps: ['output'],
    gradient: ({ output }, g) => [() => mul(g, mul(output, sub(1, output)))],
  },
  tanh: { forward: operation('tanh'), keeps: ['output'], gradient: ({ output }, g) => [() => mul(g, sub(1, square(output)))] },
  // The derivative of x·Φ(x) is Φ(x) + x·φ(x), with the normal distribution Φ and its density φ.
  gelu: {
    forward: ([x]) => geluOf(x),
    keeps: ['inputs'],
    gradient: ({ operands: [x] }, g) => [
      () => {
        const distribution = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
        const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
        return mul(g, add(distribution, mul(density, x)));
      },
    ],
  },
  eq: { forward: operation('eq') },
  ne: { forward: operation('ne') },
  lt: { forward: operation('lt') },
  le: { forward: operation('le') },
  gt: { forward: operation('gt') },
  ge: { forward: operation('ge') },
  and: { forward: operation('and') },
  or: { forward: operation('or') },
  not: { forward: operation('not') },
} satisfies Record<string, Row>;

const leaky: Row<{ slope: number }> = {
  forward: ([x], { slope }) => leakyReluOf(x, slope),
  keeps: ['inputs'],
  gradient: ({ operands: [x], attributes: { slope } }, g) => [() => where(gt(x, 0), g, mul(g, slope))],
};

const casting: Row<{ dtype: DType }> = {
  forward: ([x], { dtype }) => form(dtype === 'bool' ? 'bool' : dtype === 'i32' || dtype === 'u8' ? 'i32' : 'f32', x),
  keeps: [],
  gradient: ({ operands: [x] }, g) => [() => (typeof x === 'number' ? g : cast(g, x.dtype))],
};

/** Every pointwise op by its name. */
export const pointwiseOps = Object.fromEntries(Object.entries(rows).map(([name, row]) => [name, elementwise(name, row)])) as Record<
  keyof typeof rows,
  Op
>;
export const leakyReluOp = elementwise('leakyRelu', leaky);
export const castOp = elementwise('cast', casting);

/** The gradient where an operand has won; half of it where both are equal. */
const wonBy = <V extends Value>(won: V, tied: V, g: V): V => where(won, g, where(tied, mul(g, 0.5), 0));

const unary =
  (op: Op) =>
  <V extends Value>(x: Operand<V>): V =>
    apply<V>(op, [x]);
const binary =
  (op: Op) =>
  <V extends Value>(x: Operand<V>, y: Operand<V>): V =>
    apply<V>(op, [x, y]);

export const add = binary(pointwiseOps.add);
export const sub = binary(pointwiseOps.sub);
export const mul = binary(pointwiseOps.mul);
export const div = binary(pointwiseOps.div);
/** x^y; a negative x only with a whole y. */
export const pow = binary(pointwiseOps.pow);
export const maximum = binary(pointwiseOps.maximum);
export const minimum = binary(pointwiseOps.minimum);
/** 1 or 0, as bool, like the comparisons below. */
export const eq = binary(pointwiseOps.eq);
export const ne = binary(pointwiseOps.ne);
export const lt = binary(pointwiseOps.lt);
export const le = binary(pointwiseOps.le);
export const gt = binary(pointwiseOps.gt);
export const ge = binary(pointwiseOps.ge);
export const and = binary(pointwiseOps.and);
export const or = binary(pointwiseOps.or);
export const not = unary(pointwiseOps.not);
export const neg = unary(pointwiseOps.neg);
export const abs = unary(pointwiseOps.abs);
export const sign = unary(pointwiseOps.sign);
export const floor = unary(pointwiseOps.floor);
export const exp = unary(pointwiseOps.exp);
export const log = unary(pointwiseOps.log);
export const sqrt = unary(pointwiseOps.sqrt);
export const square = unary(pointwiseOps.square);
export const erf = unary(pointwiseOps.erf);
export const relu = unary(pointwiseOps.relu);
/** The gradient of relu, by its output: g where y > 0, else 0, in one pass. */
export const reluGrad = binary(pointwiseOps.reluGrad);
export const sigmoid = unary(pointwiseOps.sigmoid);
export const tanh = unary(pointwiseOps.tanh);
/** x · Φ(x), the exact form (Hendrycks and Gimpel 2016). */
export const gelu = unary(pointwiseOps.gelu);
/** x where it is above 0, else slope · x. */
export const leakyRelu = <V extends Value>(x: V, slope = 0.01): V => apply<V>(leakyReluOp, [x], { slope });
/** x where `condition` holds, else y; all three broadcast. */
export const where = <V extends Value>(condition: Operand<V>, x: Operand<V>, y: Operand<V>): V =>
  apply<V>(pointwiseOps.where, [condition, x, y]);
/** x between `low` and `high`. */
export const clip = <V extends Value>(x: V, low: Operand<V>, high: Operand<V>): V => apply<V>(pointwiseOps.clip, [x, low, high]);
/** Elements in another dtype: towards zero to whole numbers, not 0 to bool. */
export function cast<V extends Value>(x: V, dtype: DType): V {
  checkDtype('cast', dtype);
  return x.dtype === dtype ? x : apply<V>(castOp, [x], { dtype });
}

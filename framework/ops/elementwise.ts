// Elementwise: how a row of the pointwise table becomes an op. Operands broadcast as NumPy's do; numbers among them travel as run-time scalars.

import { apply as combine, constant, type Expression, input, scalar } from '../../kernels/expression.ts';
import { type DType, pointwise, valueTypeOf } from '../../kernels/index.ts';
import { type Layout, type Spec, specText } from '../layout.ts';
import type { Attributes, Call, Lowering, Op, Operand, Value } from '../op.ts';
import { broadcastShapes, broadcastStrides, type Shape } from '../shape.ts';
import { sumTo } from './reduce.ts';

/** A row of the table: an element of the output from the elements of the operands, and the gradients beside it. */
export interface Row<A extends Attributes = Attributes> {
  forward(elements: readonly Expression[], attributes: A): Expression;
  readonly keeps?: Op['keeps'];
  /** One function an operand, called where its gradient is needed; what is repeated by broadcasting is summed by the caller. Left out: zero. */
  gradient?<V extends Value>(call: Call<V, A>, upstream: V): readonly (() => V)[];
}

interface PointwiseForm {
  readonly expression: Expression;
  readonly dtype: DType;
  readonly scalars: readonly number[];
}

const isNumber = (operand: Operand<Spec>): operand is number => typeof operand === 'number';

/** The dtype that the numbers of a call share: that of its tensors, bools aside. Throws a TypeError where they differ. */
function commonDtype(name: string, operands: readonly Operand<Spec>[]): DType | undefined {
  const dtypes = new Set(operands.flatMap((operand) => (isNumber(operand) || operand.dtype === 'bool' ? [] : [operand.dtype])));
  if (dtypes.size > 1) throw new TypeError(`${name}: operands are ${[...dtypes].join(' and ')}, expected one dtype; cast one of them`);
  return [...dtypes][0];
}

/** A number operand: f32 and f16 as a run-time scalar, so that another value needs no other code; i32 and u8 as a constant. */
function literal(name: string, value: number, dtype: DType, scalars: number[]): Expression {
  if (valueTypeOf(dtype) === 'f32') return scalar(scalars.push(value) - 1);
  if (!Number.isInteger(value)) throw new TypeError(`${name}: ${value} is not a whole number, but the tensor is ${dtype}; cast it to f32`);
  return constant(value, 'i32');
}

function formOf<A extends Attributes>(name: string, row: Row<A>, operands: readonly Operand<Spec>[], attributes: A): PointwiseForm {
  const common = commonDtype(name, operands);
  const scalars: number[] = [];
  let inputs = 0;
  const elements = operands.map((operand) =>
    isNumber(operand) ? literal(name, operand, common ?? 'f32', scalars) : input(inputs++, valueTypeOf(operand.dtype)),
  );
  let expression: Expression;
  try {
    expression = row.forward(elements, attributes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const given = operands.map((operand) => (isNumber(operand) ? `${operand}` : specText(operand))).join(', ');
    throw new TypeError(`${name}: cannot take (${given}): ${error.message.replace(/^expression: /, '')}`);
  }
  const wanted = attributes.dtype as DType | undefined;
  const dtype =
    wanted ?? (expression.type === 'bool' ? 'bool' : common && valueTypeOf(common) === expression.type ? common : expression.type);
  return { expression, dtype, scalars };
}

/** The op of a row. */
export function elementwise<A extends Attributes>(name: string, row: Row<A>): Op<A> {
  const shapeOf = (operands: readonly Operand<Spec>[]): Shape =>
    broadcastShapes(
      name,
      operands.flatMap((operand) => (isNumber(operand) ? [] : [operand.shape])),
    );
  return {
    name,
    keeps: row.keeps,
    infer: (operands, attributes) => ({ shape: shapeOf(operands), dtype: formOf(name, row, operands, attributes).dtype }),
    lower(operands: readonly Operand<Layout>[], { shape }, attributes): Lowering {
      const { expression, dtype, scalars } = formOf(name, row, operands, attributes);
      const layouts = operands.filter((operand) => !isNumber(operand)) as Layout[];
      const inputs = layouts.map((layout) => ({
        dtype: layout.dtype,
        strides: broadcastStrides(layout.shape, layout.strides, shape),
        offset: layout.offset,
      }));
      const places = operands.flatMap((operand, place) => (isNumber(operand) ? [] : [place]));
      const bind = Object.fromEntries(places.map((place, i) => [`x${i}`, place]));
      return { steps: [{ problem: pointwise({ shape, inputs, expression, scalars, dtype }), bind: { ...bind, out: operands.length } }] };
    },
    gradient(call, upstream) {
      const rules = row.gradient?.(call, upstream) ?? [];
      return call.operands.map((operand, i) =>
        typeof operand === 'number' || !call.needs[i] || !rules[i] ? undefined : sumTo(rules[i](), operand.shape),
      );
    },
  };
}

/** One operation of the expression tree as a row's forward rule. */
export const operation =
  (name: Parameters<typeof combine>[0]) =>
  (elements: readonly Expression[]): Expression =>
    combine(name, ...elements);

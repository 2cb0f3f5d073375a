// Updates change a tensor in place, by one fused kernel: what optimizers do to parameters and to their own state. On a graph's nodes they are assignments.

import { type Expression, apply as form, input } from '../kernels/expression.ts';
import { pointwise, valueTypeOf } from '../kernels/index.ts';
import { type Layout, type Spec, specText } from './layout.ts';
import type { Op, UpdateOp, Value } from './op.ts';
import { broadcastShapes, broadcastStrides, equalShapes } from './shape.ts';
import type { Tensor } from './tensor.ts';

/** An element's new value, from its old one and the elements of other tensors. */
export type Rule = (old: Expression, ...others: Expression[]) => Expression;

/** The update of a rule; `name` tells it from every other rule, its constants included. */
export function updateOp(name: string, rule: Rule): UpdateOp {
  const form = (isInPlace: boolean): Op => ({
    name: `update ${name}`,
    keeps: [],
    infer(operands) {
      const [target, ...others] = operands as Spec[];
      const odd = others.find(({ shape }) => !equalShapes(broadcastShapes(`update ${name}`, [target.shape, shape]), target.shape));
      if (odd)
        throw new RangeError(`update ${name}: ${specText(odd)} does not broadcast to the tensor that is changed, ${specText(target)}`);
      return target;
    },
    lower(operands) {
      const layouts = operands as Layout[];
      const { shape, dtype } = layouts[0];
      const inputs = layouts.map((each) => ({
        dtype: each.dtype,
        strides: broadcastStrides(each.shape, each.strides, shape),
        offset: each.offset,
      }));
      const [old, ...others] = layouts.map((each, i) => input(i, valueTypeOf(each.dtype)));
      const expression = rule(old, ...others);
      const bind = Object.fromEntries(layouts.map((_, i) => [`x${i}`, i]));
      if (!isInPlace)
        return { steps: [{ problem: pointwise({ shape, inputs, expression, dtype }), bind: { ...bind, out: layouts.length } }] };
      const { x0, ...rest } = bind;
      return { steps: [{ problem: pointwise({ shape, inputs, expression, dtype, inPlace: 0 }), bind: { ...rest, out: x0 } }] };
    },
  });
  return { updated: form(false), inPlace: form(true) };
}

/** Changes a tensor; `others` broadcast to it. What was kept of it for a backward to come is lost, and that backward will say so. */
export const update = <V extends Value>(op: UpdateOp, target: V, ...others: V[]): void => target.style.update(op, target, others);

const assignOp = updateOp('assign', (_old, value) => value);

/** Gives `target` the elements of `source`, which has its shape and dtype. */
export function assign(target: Tensor, source: Tensor): void {
  if (!equalShapes(target.shape, source.shape) || target.dtype !== source.dtype)
    throw new RangeError(`assign: ${specText(target)} cannot take ${specText(source)}; expected the same shape and dtype`);
  if (target.isDisposed || target.storage !== source.storage || target.layout !== source.layout) update(assignOp, target, source);
}

/** How rules are written: operations of the expression tree. */
export const rule = {
  add: (a: Expression | number, b: Expression | number) => form('add', a, b),
  sub: (a: Expression | number, b: Expression | number) => form('sub', a, b),
  mul: (a: Expression | number, b: Expression | number) => form('mul', a, b),
  div: (a: Expression | number, b: Expression | number) => form('div', a, b),
  sqrt: (a: Expression) => form('sqrt', a),
};

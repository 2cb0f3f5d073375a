// Updates change a tensor in place, by one fused kernel: what optimizers do to parameters and to their own state.

import { type Expression, apply as form, input } from '../kernels/expression.ts';
import { DeviceError, pointwise } from '../kernels/index.ts';
import { launchesOf } from './launches.ts';
import { type Layout, type Spec, specText } from './layout.ts';
import type { Op } from './op.ts';
import { broadcastShapes, broadcastStrides, equalShapes } from './shape.ts';
import type { Tensor } from './tensor.ts';

/** An element's new value, from its old one and the elements of other tensors. */
export type Rule = (old: Expression, ...others: Expression[]) => Expression;

/** The op of a rule; `name` tells it from every other rule, its constants included. */
export const updateOp = (name: string, rule: Rule): Op => ({
  name: `update ${name}`,
  infer(operands) {
    const [target, ...others] = operands as Spec[];
    const odd = others.find(({ shape }) => !equalShapes(broadcastShapes(`update ${name}`, [target.shape, shape]), target.shape));
    if (odd) throw new RangeError(`update ${name}: ${specText(odd)} does not broadcast to the tensor that is changed, ${specText(target)}`);
    return target;
  },
  lower(operands) {
    const layouts = operands as Layout[];
    const { shape } = layouts[0];
    const inputs = layouts.map((each) => ({
      dtype: each.dtype,
      strides: broadcastStrides(each.shape, each.strides, shape),
      offset: each.offset,
    }));
    const [old, ...others] = layouts.map((_, i) => input(i));
    const problem = pointwise({ shape, inputs, expression: rule(old, ...others), dtype: layouts[0].dtype, inPlace: 0 });
    const bind = Object.fromEntries(layouts.map((_, i) => [`x${i}`, i]).slice(1));
    return { steps: [{ problem, bind: { ...bind, out: 0 } }] };
  },
});

/** Runs an update: `target` is changed, `others` broadcast to it. What was kept of it for a backward to come is lost, and that backward will say so. */
export function update(op: Op, target: Tensor, ...others: Tensor[]): void {
  if (!target.layout.dense) throw new TypeError(`${op.name}: ${specText(target)} is a view; update the tensor that it is a view of`);
  const { device, storage } = target;
  const stranger = others.find((each) => each.device !== device);
  if (stranger) throw new DeviceError(`${op.name}: the tensor lives on ${device.kind}, an operand on ${stranger.device.kind}; move one`);
  if (others.some((each) => each.storage === storage))
    throw new TypeError(`${op.name}: an operand shares the bytes of the tensor that is changed; give it a copy, by clone()`);
  const operands = [target, ...others];
  const prepared = launchesOf(device).get(
    op,
    operands.map(({ layout }) => layout),
    {},
  );
  prepared.run([...operands.map((each) => each.storage.buffer), storage.buffer]);
  storage.version++;
}

const assignOp = updateOp('assign', (_old, value) => value);

/** Gives `target` the elements of `source`, which has its shape and dtype. */
export function assign(target: Tensor, source: Tensor): void {
  if (!equalShapes(target.shape, source.shape) || target.dtype !== source.dtype)
    throw new RangeError(`assign: ${specText(target)} cannot take ${specText(source)}; expected the same shape and dtype`);
  if (target.storage !== source.storage || target.layout !== source.layout) update(assignOp, target, source);
}

/** How rules are written: operations of the expression tree. */
export const rule = {
  add: (a: Expression | number, b: Expression | number) => form('add', a, b),
  sub: (a: Expression | number, b: Expression | number) => form('sub', a, b),
  mul: (a: Expression | number, b: Expression | number) => form('mul', a, b),
  div: (a: Expression | number, b: Expression | number) => form('div', a, b),
  sqrt: (a: Expression) => form('sqrt', a),
};

// Rows of a table by index, as embeddings are looked up; the gradient adds rows up where they came from.
//
// An index outside the table cannot be an error where kernels run: gather gives zeros for it, and scatterAdd leaves its row out.

import { apply as form, input } from '../../kernels/expression.ts';
import { bytesPerElement, gather as gatherProblem, pointwise, scatterAdd as scatterAddProblem } from '../../kernels/index.ts';
import { type Layout, type Spec, specText } from '../layout.ts';
import { apply, type Op, type Value } from '../op.ts';
import { axisOf, broadcastStrides, equalShapes, sizeOf } from '../shape.ts';
import { DenseInputs } from './dense.ts';
import { cast } from './pointwise.ts';
import { transpose } from './shape.ts';

function checkIndices(name: string, indices: Spec): void {
  if (indices.dtype !== 'i32') throw new TypeError(`${name}: indices are ${specText(indices)}, expected i32; cast them`);
}

/** [rows, ..] at indices [..] gives [..indices, ..row]. */
export const gatherOp: Op = {
  name: 'gather',
  keeps: ['inputs'],
  infer(operands) {
    const [table, indices] = operands as Spec[];
    checkIndices('gather', indices);
    if (table.shape.length === 0) throw new RangeError(`gather: ${specText(table)} has no rows; expected at least 1 axis`);
    return { shape: [...indices.shape, ...table.shape.slice(1)], dtype: table.dtype };
  },
  lower(operands) {
    const [table, indices] = operands as Layout[];
    const inputs = new DenseInputs(2);
    const bind = { table: inputs.dense(table, 0), indices: inputs.dense(indices, 1), out: 2 };
    const [rows, ...row] = table.shape;
    const problem = gatherProblem({ rows, width: sizeOf(row), count: sizeOf(indices.shape), dtype: table.dtype });
    return { steps: [...inputs.steps, { problem, bind }], temporaries: inputs.temporaries };
  },
  gradient({ operands: [table, indices] }, upstream) {
    const { shape, dtype } = table as typeof upstream;
    return [cast(scatterAdd(cast(upstream, 'f32'), indices as typeof upstream, shape[0]), dtype), undefined];
  },
};

/** [..indices, ..row] at indices [..] gives [rows, ..row]. */
export const scatterAddOp: Op<{ rows: number }> = {
  name: 'scatterAdd',
  keeps: ['inputs'],
  infer(operands, { rows }) {
    const [x, indices] = operands as Spec[];
    checkIndices('scatterAdd', indices);
    if (x.dtype !== 'f32') throw new TypeError(`scatterAdd: cannot add up ${specText(x)}, expected f32; cast it`);
    if (!equalShapes(x.shape.slice(0, indices.shape.length), indices.shape))
      throw new RangeError(`scatterAdd: ${specText(x)} does not begin with the shape of its indices, [${indices.shape}]`);
    return { shape: [rows, ...x.shape.slice(indices.shape.length)], dtype: 'f32' };
  },
  lower(operands, _output, { rows }) {
    const [x, indices] = operands as Layout[];
    const inputs = new DenseInputs(2);
    const bind = { x0: inputs.dense(x, 0), indices: inputs.dense(indices, 1), out: 2 };
    const count = sizeOf(indices.shape);
    const problem = scatterAddProblem({ rows, width: sizeOf(x.shape) / count, count });
    return { steps: [...inputs.steps, { problem, bind }], temporaries: inputs.temporaries };
  },
  gradient: ({ operands: [, indices] }, upstream) => [gather(upstream, indices as typeof upstream), undefined],
};

/** [..] whole numbers become [.., classes]: 1 at each number's place, else 0. */
export const oneHotOp: Op<{ classes: number }> = {
  name: 'oneHot',
  keeps: [],
  infer([indices], { classes }) {
    checkIndices('oneHot', indices as Spec);
    return { shape: [...(indices as Spec).shape, classes], dtype: 'f32' };
  },
  lower([operand], { shape }, { classes }) {
    const { strides, offset, dtype } = operand as Layout;
    const inputs = [
      { dtype, strides: [...strides, 0], offset },
      { dtype, strides: broadcastStrides([classes], [1], shape), offset: 0 },
    ];
    const expression = form('f32', form('eq', input(0, 'i32'), input(1, 'i32')));
    const problem = pointwise({ shape, inputs, expression });
    return { steps: [{ problem, bind: { x0: 0, out: 1, x1: 2 } }], constants: [Int32Array.from({ length: classes }, (_, i) => i)] };
  },
};

/** Rows of `table` at `indices` (i32): [..indices, ..row]; with an `axis`, slices across that one, whose place the axes of the indices take (NumPy's take). */
export function gather<V extends Value>(table: V, indices: V, axis = 0): V {
  const { length } = table.shape;
  const place = length === 0 ? 0 : axisOf('gather', axis, length);
  const width = sizeOf(table.shape) / (table.shape[place] ?? 1);
  // Kernels move whole words; narrow elements that do not fill them travel as wide ones.
  if ((width * bytesPerElement(table.dtype)) % 4 !== 0)
    return cast(gather(cast(table, table.dtype === 'f16' ? 'f32' : 'i32'), indices, axis), table.dtype);
  if (place === 0) return apply<V>(gatherOp, [table, indices]);
  const axes = [...Array(length).keys()];
  const found = apply<V>(gatherOp, [transpose(table, [place, ...axes.toSpliced(place, 1)]), indices]);
  const rank = indices.shape.length;
  const before = axes.slice(0, place).map((each) => rank + each);
  const after = axes.slice(place + 1).map((each) => rank + each - 1);
  return transpose(found, [...before, ...indices.shape.keys(), ...after]);
}

/** Rows of `x` added up at `indices` into a table of `rows` rows, in the order of the indices. */
export const scatterAdd = <V extends Value>(x: V, indices: V, rows: number): V => apply<V>(scatterAddOp, [x, indices], { rows });

/** i32 [..] as f32 [.., classes], 1 where the class is; all zeros for a number outside. */
export function oneHot<V extends Value>(indices: V, classes: number): V {
  if (!Number.isInteger(classes) || classes < 1) throw new RangeError(`oneHot: classes is ${classes}, expected a whole number from 1`);
  return apply<V>(oneHotOp, [indices], { classes });
}

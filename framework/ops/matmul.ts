// Matrix product: [.., M, K] · [.., K, N] -> [.., M, N], with bias [N] and ReLU in the same kernel. Leading axes broadcast.
//
// A transposed operand is a view whose strides the kernel's transpose flags can say; any other view is copied dense first.

import { type Epilogue, matmul as matmulProblem } from '../../kernels/index.ts';
import { type Layout, layoutOf, type Spec, specText } from '../layout.ts';
import { apply, type Op, type Operand, type Value } from '../op.ts';
import { broadcastShapes, broadcastStrides, type Shape, sizeOf } from '../shape.ts';
import { DenseInputs, type Source } from './dense.ts';
import { reluGrad } from './pointwise.ts';
import { sumTo } from './reduce.ts';
import { reshape, transposeMatrix } from './shape.ts';

/** How the kernel may read matrices: as they lie, each transposed, or not at all without a copy. */
function storageOf({ shape, strides, offset }: Layout): 'n' | 't' | undefined {
  const [rows, columns] = shape.slice(-2);
  const [down, right] = strides.slice(-2);
  let step = rows * columns;
  for (let axis = shape.length - 3; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== step) return undefined;
    step *= shape[axis];
  }
  if (offset !== 0) return undefined;
  const fits = (major: number, minor: number, length: number, counts: readonly [number, number]) =>
    (counts[1] === 1 || minor === 1) && (counts[0] === 1 || major === length);
  if (fits(down, right, columns, [rows, columns])) return 'n';
  return fits(right, down, rows, [columns, rows]) ? 't' : undefined;
}

/** A layout repeated over the leading axes of the product. */
function overBatch(layout: Layout, batch: Shape): Source {
  const shape = [...batch, ...layout.shape.slice(-2)];
  return { shape, dtype: layout.dtype, strides: broadcastStrides(layout.shape, layout.strides, shape), offset: layout.offset };
}

const batchOf = (...inputs: readonly Spec[]): Shape =>
  broadcastShapes(
    'matmul',
    inputs.map(({ shape }) => shape.slice(0, -2)),
  );

/** The last two axes exchanged. */
const swapped = <T>(axes: readonly T[]): T[] => [...axes.slice(0, -2), ...axes.slice(-2).reverse()];
const turned = (layout: Layout): Layout =>
  layoutOf({ shape: swapped(layout.shape), dtype: layout.dtype }, swapped(layout.strides), layout.offset);

export type MatmulAttributes = {
  readonly relu: boolean;
  /** Absent but where it is true. */
  readonly transposeB?: true;
};

export const matmulOp: Op<MatmulAttributes> = {
  name: 'matmul',
  infer(operands, { transposeB }) {
    const [a, stored, bias] = operands as Spec[];
    const b: Spec = transposeB ? { shape: swapped(stored.shape), dtype: stored.dtype } : stored;
    if (a.dtype !== b.dtype || (a.dtype !== 'f32' && a.dtype !== 'f16'))
      throw new TypeError(`matmul: cannot multiply ${specText(a)} by ${specText(b)}; expected both f32 or both f16; cast them`);
    const [n, inner] = [b.shape.at(-1)!, b.shape.at(-2)!];
    if (a.shape.at(-1) !== inner)
      throw new RangeError(
        `matmul: ${specText(a)} by ${specText(b)}${transposeB ? ' (transposed)' : ''}: rows have ${a.shape.at(-1)} elements, columns ${inner}; expected [.., M, K] by [.., K, N]`,
      );
    if (bias && (bias.shape.length !== 1 || bias.shape[0] !== n || bias.dtype !== a.dtype))
      throw new RangeError(`matmul: bias is ${specText(bias)}, expected ${a.dtype}[${n}], one element a column`);
    return { shape: [...batchOf(a, b), a.shape.at(-2)!, n], dtype: a.dtype };
  },
  lower(operands, { shape, dtype }, { relu, transposeB }) {
    const [a, stored, bias] = operands as Layout[];
    const b = transposeB ? turned(stored) : stored;
    const inputs = new DenseInputs(operands.length);
    const leading = shape.slice(0, -2);
    const batch = sizeOf(leading);
    const read = (layout: Layout, index: number) => {
      const whole = sizeOf(layout.shape.slice(0, -2)) === batch;
      const stored = whole ? storageOf(layout) : undefined;
      return { transposed: stored === 't', index: stored ? index : inputs.copy(overBatch(layout, leading), index) };
    };
    const [left, right] = [read(a, 0), read(b, 1)];
    const [m, k, n] = [a.shape.at(-2)!, a.shape.at(-1)!, shape.at(-1)!];
    const epilogue: Epilogue = { bias: bias !== undefined, relu };
    const problem = matmulProblem({ batch, m, n, k, transposeA: left.transposed, transposeB: right.transposed, epilogue, dtype });
    const bind: Record<string, number> = { A: left.index, B: right.index, C: operands.length };
    if (bias) bind.bias = inputs.dense(bias, 2);
    return { steps: [...inputs.steps, { problem, bind }], temporaries: inputs.temporaries };
  },
  gradient({ operands, output, attributes, needs }, upstream) {
    const [a, b, bias] = operands as (typeof upstream)[];
    const g = attributes.relu ? reluGrad(output, upstream) : upstream;
    // Each gradient comes out as its operand is stored, so that what uses both reads them alike.
    const [byA, byB] = attributes.transposeB
      ? [() => product(g, b), () => product(transposeMatrix(g), a)]
      : [() => product(g, transposeMatrix(b)), () => product(transposeMatrix(a), g)];
    return [
      needs[0] ? sumTo(byA(), a.shape) : undefined,
      needs[1] ? sumTo(byB(), b.shape) : undefined,
      needs[2] ? sumTo(g, bias.shape) : undefined,
    ];
  },
};

const product = <V extends Value>(a: V, b: V): V => apply<V>(matmulOp, [a, b], { relu: false });

export interface MatmulOptions<V> {
  /** [N], added to every row. */
  readonly bias?: V;
  /** max(x, 0) after the bias. */
  readonly relu?: boolean;
  /** Takes b as it is stored, [.., N, K], and gives its gradient in that form. */
  readonly transposeB?: boolean;
}

/** The product of matrices, or stacks of them; a vector on the left is one row, on the right one column, as NumPy has it. */
export function matmul<V extends Value>(a: V, b: V, options: MatmulOptions<V> = {}): V {
  const { bias, relu = false, transposeB = false } = options;
  if (a.shape.length === 0 || b.shape.length === 0)
    throw new RangeError(`matmul: ${specText(a)} by ${specText(b)}: a number has no rows; expected at least 1 axis, or use mul`);
  const columns = transposeB ? b.shape.slice(-2, -1) : b.shape.slice(-1);
  if (a.shape.length === 1) return reshape(matmul(reshape(a, [1, -1]), b, options), [...b.shape.slice(0, -2), ...columns]);
  if (b.shape.length === 1) {
    if (transposeB) throw new RangeError(`matmul: ${specText(b)} is a vector, which transposeB cannot turn; leave it out`);
    return reshape(matmul(a, reshape(b, [-1, 1]), { bias, relu }), a.shape.slice(0, -1));
  }
  const operands: Operand<V>[] = bias ? [a, b, bias] : [a, b];
  const attributes: MatmulAttributes = { relu, ...(transposeB && { transposeB }) };
  // Against one matrix, leading axes are more rows: one product, and its gradient needs no sum over them.
  if (b.shape.length > 2 || a.shape.length === 2) return apply<V>(matmulOp, operands, attributes);
  operands[0] = reshape(a, [-1, a.shape.at(-1)!]);
  return reshape(apply<V>(matmulOp, operands, attributes), [...a.shape.slice(0, -1), ...columns]);
}

// Softmax, a kernel of its own along the last axis, and the losses, composed of other ops. Halves are computed with as f32: a softmax of them is rounded
// once, and a loss of them is f32.

import { type SoftmaxProblem, softmax as softmaxProblem } from '../../kernels/index.ts';
import { type Layout, type Spec, specText } from '../layout.ts';
import { apply, type Call, type Lowering, type Op, type Operand, type Value } from '../op.ts';
import { axisOf, equalShapes, sizeOf } from '../shape.ts';
import { DenseInputs } from './dense.ts';
import { oneHot } from './gather.ts';
import { cast, exp, mul, neg, square, sub } from './pointwise.ts';
import { mean, sum } from './reduce.ts';
import { transpose } from './shape.ts';

type Rows = { readonly log: boolean };

/** One problem over the rows of dense operands. */
function lowered(operands: readonly Operand<Layout>[], { log }: Rows, pass: SoftmaxProblem['pass'], names: readonly string[]): Lowering {
  const inputs = new DenseInputs(operands.length);
  const { shape } = operands[0] as Layout;
  const columns = shape.at(-1)!;
  const bind = Object.fromEntries((operands as Layout[]).map((operand, i) => [names[i], inputs.dense(operand, i)]));
  const problem = softmaxProblem({ rows: sizeOf(shape) / columns, columns, log, pass });
  return {
    steps: [...inputs.steps, { problem, bind: { ...bind, [names[operands.length]]: operands.length } }],
    temporaries: inputs.temporaries,
  };
}

/** Along the last axis. */
const softmaxOp: Op<Rows> = {
  name: 'softmax',
  keeps: ['output'],
  infer([operand]) {
    const x = operand as Spec;
    if (x.dtype !== 'f32' || x.shape.length === 0)
      throw new TypeError(`softmax: of ${specText(x)}, expected f32 with at least one axis; cast or reshape it`);
    return x;
  },
  lower: (operands, _output, attributes) => lowered(operands, attributes, 'forward', ['x', 'y']),
  gradient: ({ output, attributes }, g) => [apply(softmaxGradOp, [output, g], attributes)],
};

/** y · (g − Σ g · y), of the logarithm g − exp(y) · Σ g. */
const softmaxGradOp: Op<Rows> = {
  name: 'softmaxGrad',
  keeps: ['inputs'],
  infer([y, g]) {
    const [a, b] = [y as Spec, g as Spec];
    if (!equalShapes(a.shape, b.shape) || a.dtype !== 'f32' || b.dtype !== 'f32')
      throw new RangeError(`softmaxGrad: ${specText(a)} and ${specText(b)}, expected f32 of equal shapes`);
    return y as Spec;
  },
  lower: (operands, _output, attributes) => lowered(operands, attributes, 'input-grad', ['y', 'g', 'inputGrad']),
  gradient<V extends Value>({ operands, attributes: { log } }: Call<V, Rows>, upstream: V) {
    const [y, g] = operands as V[];
    const total = (x: V) => sum<V>(x, -1, { keepDims: true });
    if (!log)
      return [
        sub<V>(mul<V>(upstream, sub<V>(g, total(mul<V>(g, y)))), mul<V>(g, total(mul<V>(upstream, y)))),
        apply<V>(softmaxGradOp, [y, upstream], { log }),
      ];
    const weighted = mul<V>(upstream, exp<V>(y));
    return [neg<V>(mul<V>(weighted, total(g))), sub<V>(upstream, total(weighted))];
  },
};

/** The ops of this file by their names. */
export const softmaxOps = { softmaxOp, softmaxGradOp };

/** Softmax along any axis: others than the last are turned to the end and back. */
function along<V extends Value>(x: V, axis: number, name: string, log: boolean): V {
  const at = axisOf(name, axis, x.shape.length);
  const last = x.shape.length - 1;
  if (at === last) return cast(apply<V>(softmaxOp, [wide(x)], { log }), x.dtype);
  const order = [...x.shape.keys()].map((each) => (each === at ? last : each === last ? at : each));
  return cast(transpose(apply<V>(softmaxOp, [transpose(wide(x), order)], { log }), order), x.dtype);
}

/** Halves as f32, anything else as it is. */
const wide = <V extends Value>(x: V): V => (x.dtype === 'f16' ? cast(x, 'f32') : x);

/** exp(x) over its sum along `axis`: probabilities. */
export const softmax = <V extends Value>(x: V, axis = -1): V => along(x, axis, 'softmax', false);

/** The logarithm of softmax, without taking the logarithm of a vanished probability. */
export const logSoftmax = <V extends Value>(x: V, axis = -1): V => along(x, axis, 'logSoftmax', true);

const sameShape = (name: string, a: Value, b: Value): void => {
  if (!equalShapes(a.shape, b.shape))
    throw new RangeError(`${name}: predictions are ${specText(a)} but targets ${specText(b)}; expected equal shapes`);
};

/** The mean squared difference. */
export function mseLoss<V extends Value>(predictions: V, targets: V): V {
  sameShape('mseLoss', predictions, targets);
  return mean<V>(square<V>(sub<V>(predictions, targets)));
}

/** Mean over the rows of -Σ targets · logSoftmax(logits): `logits` [.., classes], `targets` probabilities of that shape, or i32 classes [..]. */
export function crossEntropy<V extends Value>(logits: V, targets: V): V {
  const wanted = targets.dtype === 'i32' ? oneHot(targets, logits.shape.at(-1)!) : wide(targets);
  sameShape('crossEntropy', logits, wanted);
  const rows = sizeOf(logits.shape.slice(0, -1));
  return mul<V>(neg<V>(sum<V>(mul<V>(logSoftmax(wide(logits)), wanted))), 1 / rows);
}

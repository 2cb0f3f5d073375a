// Softmax and the losses, composed of other ops. Halves are computed with as f32: a softmax of them is rounded once, and a loss of them is f32.

import { specText } from '../layout.ts';
import type { Value } from '../op.ts';
import { axisOf, equalShapes, sizeOf } from '../shape.ts';
import { oneHot } from './gather.ts';
import { cast, div, exp, log, mul, neg, square, sub } from './pointwise.ts';
import { max, mean, sum } from './reduce.ts';
import { stopGradient } from './shape.ts';

/** x less its largest element along an axis: exp cannot overflow, and what is subtracted cancels out of the gradient. */
function shifted<V extends Value>(x: V, axis: number): V {
  return sub<V>(x, stopGradient(max(x, axis, { keepDims: true })));
}

/** Halves as f32, anything else as it is. */
const wide = <V extends Value>(x: V): V => (x.dtype === 'f16' ? cast(x, 'f32') : x);

/** exp(x) over its sum along `axis`: probabilities. */
export function softmax<V extends Value>(x: V, axis = -1): V {
  const along = axisOf('softmax', axis, x.shape.length);
  const powers = exp<V>(shifted(wide(x), along));
  return cast(div<V>(powers, sum(powers, along, { keepDims: true })), x.dtype);
}

/** The logarithm of softmax, without taking the logarithm of a vanished probability. */
export function logSoftmax<V extends Value>(x: V, axis = -1): V {
  const along = axisOf('logSoftmax', axis, x.shape.length);
  const low = shifted(wide(x), along);
  return cast(sub<V>(low, log<V>(sum(exp<V>(low), along, { keepDims: true }))), x.dtype);
}

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

// Softmax and the losses, composed of other ops.

import { specText } from '../layout.ts';
import type { Value } from '../op.ts';
import { axisOf, equalShapes, sizeOf } from '../shape.ts';
import { oneHot } from './gather.ts';
import { div, exp, log, mul, neg, square, sub } from './pointwise.ts';
import { max, mean, sum } from './reduce.ts';
import { stopGradient } from './shape.ts';

/** x less its largest element along an axis: exp cannot overflow, and what is subtracted cancels out of the gradient. */
function shifted<V extends Value>(x: V, axis: number): V {
  return sub<V>(x, stopGradient(max(x, axis, { keepDims: true })));
}

/** exp(x) over its sum along `axis`: probabilities. */
export function softmax<V extends Value>(x: V, axis = -1): V {
  const along = axisOf('softmax', axis, x.shape.length);
  const powers = exp<V>(shifted(x, along));
  return div<V>(powers, sum(powers, along, { keepDims: true }));
}

/** The logarithm of softmax, without taking the logarithm of a vanished probability. */
export function logSoftmax<V extends Value>(x: V, axis = -1): V {
  const along = axisOf('logSoftmax', axis, x.shape.length);
  const low = shifted(x, along);
  return sub<V>(low, log<V>(sum(exp<V>(low), along, { keepDims: true })));
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
  const wanted = targets.dtype === 'i32' ? oneHot(targets, logits.shape.at(-1)!) : targets;
  sameShape('crossEntropy', logits, wanted);
  const rows = sizeOf(logits.shape.slice(0, -1));
  return mul<V>(neg<V>(sum<V>(mul<V>(logSoftmax(logits), wanted))), 1 / rows);
}

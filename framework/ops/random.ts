// Random numbers as an op: a seed, a stream and a step name the same numbers on every device, in any order of calls (see the kernels' random problem).

import { random as problemOf } from '../../kernels/index.ts';
import { type Layout, type Spec, specText } from '../layout.ts';
import { apply, type Op, type Value } from '../op.ts';
import { checkShape, type Shape, sizeOf } from '../shape.ts';
import { DenseInputs } from './dense.ts';

/** Which random numbers: equal sources give equal numbers. */
export type RandomSource = {
  /** Whole number from 0 below 2^53. */
  readonly seed: number;
  /** One of the seed's independent streams, for each use one; 0 if absent. */
  readonly stream?: number;
  /** Which draw of the stream, counted up from call to call; 0 if absent. */
  readonly step?: number;
};

/** A source whose step may be a tensor of one i32, read when the numbers are drawn: so that an op that is prepared once draws anew each time. */
export type CountedSource<V> = Omit<RandomSource, 'step'> & { readonly step?: number | V };

type RandomAttributes = RandomSource & {
  readonly distribution: 'bits' | 'uniform' | 'normal';
  readonly shape: Shape;
  readonly counted?: boolean;
};

/** Takes no elements of its inputs but the step's, the last, where it is counted: one may be given to say where the numbers are wanted. */
export const randomOp: Op<RandomAttributes> = {
  name: 'random',
  keeps: [],
  infer(inputs, { shape, distribution, counted }) {
    checkShape('random', shape);
    const step = counted ? (inputs.at(-1) as Spec) : undefined;
    if (step && (step.dtype !== 'i32' || sizeOf(step.shape) !== 1))
      throw new TypeError(`random: step is ${specText(step)}, expected a number, or i32[1]`);
    return { shape, dtype: distribution === 'bits' ? 'i32' : 'f32' };
  },
  lower(operands, _output, { distribution, shape, seed, stream, step, counted }) {
    const inputs = new DenseInputs(operands.length);
    const last = operands.length - 1;
    const bind: Record<string, number> = { out: operands.length };
    if (counted) bind.step = inputs.dense(operands[last] as Layout, last);
    const problem = problemOf({ distribution, elements: sizeOf(shape), seed, stream, step, counted });
    return { steps: [...inputs.steps, { problem, bind }], temporaries: inputs.temporaries };
  },
  gradient: () => [undefined],
};

/** Numbers uniform in [0, 1), in the shape of `x` and where it lives. */
export function uniformLike<V extends Value>(x: V, { step = 0, ...source }: CountedSource<V>): V {
  const attributes = { distribution: 'uniform', shape: x.shape, ...source };
  if (typeof step === 'number') return apply<V>(randomOp, [x], { ...attributes, step });
  return apply<V>(randomOp, [x, step], { ...attributes, counted: true });
}

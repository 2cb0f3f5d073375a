// Random numbers as an op: a seed, a stream and a step name the same numbers on every device, in any order of calls (see the kernels' random problem).

import { random as problemOf } from '../../kernels/index.ts';
import { apply, type Op, type Value } from '../op.ts';
import { checkShape, type Shape, sizeOf } from '../shape.ts';

/** Which random numbers: equal sources give equal numbers. */
export type RandomSource = {
  /** Whole number from 0 below 2^53. */
  readonly seed: number;
  /** One of the seed's independent streams, for each use one; 0 if absent. */
  readonly stream?: number;
  /** Which draw of the stream, counted up from call to call; 0 if absent. */
  readonly step?: number;
};

type RandomAttributes = RandomSource & { readonly distribution: 'bits' | 'uniform' | 'normal'; readonly shape: Shape };

/** Takes no elements of its inputs: one may be given to say where the numbers are wanted. */
export const randomOp: Op<RandomAttributes> = {
  name: 'random',
  keeps: [],
  infer(_inputs, { shape, distribution }) {
    checkShape('random', shape);
    return { shape, dtype: distribution === 'bits' ? 'i32' : 'f32' };
  },
  lower: (inputs, _output, { distribution, shape, seed, stream, step }) => ({
    steps: [{ problem: problemOf({ distribution, elements: sizeOf(shape), seed, stream, step }), bind: { out: inputs.length } }],
  }),
  gradient: () => [undefined],
};

/** Numbers uniform in [0, 1), in the shape of `x` and where it lives. */
export const uniformLike = <V extends Value>(x: V, source: RandomSource): V =>
  apply<V>(randomOp, [x], { distribution: 'uniform', shape: x.shape, ...source });

// Pooling: the largest or the mean element of each window of an image [N, C, H, W].

import { type Padding, type Pair, type Pool2dProblem, pool2d as pool2dProblem, windowsOf } from '../../kernels/index.ts';
import { denseBytes } from '../launches.ts';
import { type Layout, type Spec, specText } from '../layout.ts';
import { apply, type Op, type Operand, type Value } from '../op.ts';
import type { Shape } from '../shape.ts';
import { DenseInputs } from './dense.ts';
import { mean, type ReduceOptions } from './reduce.ts';

export interface PoolOptions {
  /** The window if absent, so that windows touch and do not overlap. */
  readonly stride?: Pair;
  /** Elements around the image, that win no maximum; as of conv2d; none if absent. */
  readonly padding?: Padding;
  /** Only of maxPool2d; 1 if absent. */
  readonly dilation?: Pair;
}

export interface AveragePoolOptions extends Omit<PoolOptions, 'dilation'> {
  /** Whether padding counts as zeros in the mean; true if absent, as in PyTorch. */
  readonly countPadding?: boolean;
}

type Window = Required<PoolOptions> & { readonly kind: Pool2dProblem['kind']; readonly window: Pair; readonly countPadding: boolean };
type Backward = Window & { readonly of: Shape };

function outputSpec(name: string, x: Spec, window: Window): Spec {
  if (x.dtype !== 'f32') throw new TypeError(`${name}: expected f32[N,C,H,W], got ${specText(x)}; cast it`);
  const { vertical, horizontal } = pool2dProblem({ input: x.shape, ...window });
  return { shape: [x.shape[0], x.shape[1], windowsOf(vertical), windowsOf(horizontal)], dtype: 'f32' };
}

export const maxPool2dOp: Op<Window> = {
  name: 'maxPool2d',
  keeps: ['inputs'],
  infer: ([x], window) => outputSpec('maxPool2d', x as Spec, window),
  lower([x], output, window) {
    const inputs = new DenseInputs(1);
    const input = inputs.dense(x as Layout, 0);
    const bind = { input, output: 1, indices: inputs.temporary(denseBytes(output)) };
    return {
      steps: [...inputs.steps, { problem: pool2dProblem({ input: (x as Layout).shape, ...window }), bind }],
      temporaries: inputs.temporaries,
    };
  },
  gradient: ({ operands: [x], attributes }, upstream) => [apply(maxPool2dGradOp, [x as typeof upstream, upstream], attributes)],
};

/**
 * Where each maximum lies is found again instead of kept: an op has one output, and looking costs one pass over the input, no more than keeping the places
 * costs in memory traffic.
 */
export const maxPool2dGradOp: Op<Window> = {
  name: 'maxPool2dGrad',
  infer: ([x]) => x as Spec,
  lower([x, g], _output, window) {
    const inputs = new DenseInputs(2);
    const { shape } = x as Layout;
    const [input, outputGrad] = [inputs.dense(x as Layout, 0), inputs.dense(g as Layout, 1)];
    const [output, indices] = [inputs.temporary(denseBytes(g as Layout)), inputs.temporary(denseBytes(g as Layout))];
    return {
      steps: [
        ...inputs.steps,
        { problem: pool2dProblem({ input: shape, ...window }), bind: { input, output, indices } },
        { problem: pool2dProblem({ input: shape, ...window, pass: 'input-grad' }), bind: { indices, outputGrad, inputGrad: 2 } },
      ],
      temporaries: inputs.temporaries,
    };
  },
};

/** The step of an average or of its gradient, over one dense operand. */
function averageStep(layout: Operand<Layout>, input: Shape, window: Window, pass: Pool2dProblem['pass'], names: readonly [string, string]) {
  const inputs = new DenseInputs(1);
  const bind = { [names[0]]: inputs.dense(layout as Layout, 0), [names[1]]: 1 };
  return { steps: [...inputs.steps, { problem: pool2dProblem({ input, ...window, pass }), bind }], temporaries: inputs.temporaries };
}

export const avgPool2dOp: Op<Window> = {
  name: 'avgPool2d',
  keeps: [],
  infer: ([x], window) => outputSpec('avgPool2d', x as Spec, window),
  lower: ([x], _output, window) => averageStep(x, (x as Layout).shape, window, 'forward', ['input', 'output']),
  gradient: ({ operands: [x], attributes }, upstream) => [
    apply(avgPool2dGradOp, [upstream], { ...attributes, of: (x as typeof upstream).shape }),
  ],
};

export const avgPool2dGradOp: Op<Backward> = {
  name: 'avgPool2dGrad',
  keeps: [],
  infer: (_operands, { of }) => ({ shape: of, dtype: 'f32' }),
  lower: ([g], { shape }, { of: _, ...window }) => averageStep(g, shape, window, 'input-grad', ['outputGrad', 'inputGrad']),
  gradient({ attributes: { of: _, ...window } }, upstream) {
    return [apply(avgPool2dOp, [upstream], window)];
  },
};

/** The largest element of each window: [N, C, H, W] to [N, C, H', W']. Its gradient goes to the first of equal ones, and has no gradient of its own. */
export function maxPool2d<V extends Value>(x: V, window: Pair, { stride = window, padding = 0, dilation = 1 }: PoolOptions = {}): V {
  return apply<V>(maxPool2dOp, [x], { kind: 'max', window, stride, padding, dilation, countPadding: true });
}

/** The mean of each window: [N, C, H, W] to [N, C, H', W']. */
export function avgPool2d<V extends Value>(x: V, window: Pair, options: AveragePoolOptions = {}): V {
  const { stride = window, padding = 0, countPadding = true } = options;
  return apply<V>(avgPool2dOp, [x], { kind: 'average', window, stride, padding, dilation: 1, countPadding });
}

/** The mean of each image's channel: [N, C, H, W] to [N, C], or [N, C, 1, 1] with `keepDims`. */
export function globalAvgPool<V extends Value>(x: V, options?: ReduceOptions): V {
  if (x.shape.length !== 4) throw new RangeError(`globalAvgPool: got ${specText(x)}, expected [N, C, H, W]`);
  return mean<V>(x, [2, 3], options);
}

// TensorFlow.js: the forward convolution. It knows NHWC only; operands are turned over when the case is prepared, the result when it is read.

import { convShapes, isDepthwise, toChannelsFirst, toChannelsLast, toFilterLast } from './conv.ts';
import type { ConvCase, Inputs } from './peer.ts';
import type { Computation, Tensor, TensorFlow } from './tfjs.ts';

/** The convolution as a function of no arguments, with the tensors it holds. */
export function convolution(tf: TensorFlow, { problem }: ConvCase, inputs: Inputs): Computation {
  const { vertical, horizontal, epilogue } = problem;
  const { input, output } = convShapes(problem);
  const image = (values: Float32Array<ArrayBuffer>, shape: readonly number[]) =>
    tf.tensor(toChannelsLast(values, shape), [shape[0], shape[2], shape[3], shape[1]], 'float32');
  const turned = toFilterLast(inputs.filter, problem);
  const x = image(inputs.input, input);
  const filter = tf.tensor(turned.values, turned.shape, 'float32');
  const bias = epilogue.bias ? tf.tensor(inputs.bias, [problem.filters], 'float32') : undefined;
  const residual = epilogue.residual ? image(inputs.residual, output) : undefined;
  const call = {
    ...{ x, filter, bias, dataFormat: 'NHWC' as const },
    strides: [vertical.stride, horizontal.stride] as const,
    dilations: [vertical.dilation, horizontal.dilation] as const,
    pad: [
      [0, 0],
      [vertical.before, vertical.after],
      [horizontal.before, horizontal.after],
      [0, 0],
    ] as const,
    activation: epilogue.relu && !residual ? ('relu' as const) : ('linear' as const),
  };
  const convolve = isDepthwise(problem) ? tf.fused.depthwiseConv2d : tf.fused.conv2d;

  function added(residual: Tensor): Tensor {
    const product = convolve(call);
    const sum = tf.add(product, residual);
    product.dispose();
    if (!epilogue.relu) return sum;
    const result = tf.relu(sum);
    sum.dispose();
    return result;
  }
  return {
    compute: residual ? () => added(residual) : () => convolve(call),
    toCase: (values) => toChannelsFirst(values, output),
    free() {
      for (const tensor of [x, filter, bias, residual]) tensor?.dispose();
    },
  };
}

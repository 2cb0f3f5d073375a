// The ONNX graph of a model: one node for each op, or two; onnxruntime fuses what follows a Conv.

import { constantsOf, IMAGES, type ModelOp, type ModelOps, type ModelWindow } from './model.ts';
import type { OnnxConstant, OnnxGraph, OnnxNode } from './onnx.ts';
import type { Inputs } from './peer.ts';

const ELEMENTWISE: Readonly<Record<string, string>> = {
  add: 'Add',
  sub: 'Sub',
  mul: 'Mul',
  div: 'Div',
  pow: 'Pow',
  relu: 'Relu',
  sqrt: 'Sqrt',
};

/** The ops that have a node here. */
export const ONNX_OPS: readonly string[] = [
  ...Object.keys(ELEMENTWISE),
  'square',
  'conv2d',
  'matmul',
  'maxPool2d',
  'avgPool2d',
  'mean',
  'reshape',
];

const windowed = ({ size, stride, dilation, pads }: ModelWindow) => ({ kernel_shape: size, strides: stride, dilations: dilation, pads });

/** Nodes of one graph, and the constants that they bring along. */
class Nodes {
  readonly nodes: OnnxNode[] = [];
  readonly constants: OnnxConstant[] = [];

  add(op: string, inputs: readonly string[], output: string, attributes?: OnnxNode['attributes']): string {
    this.nodes.push({ op, inputs, output, attributes });
    return output;
  }

  /** An operand's name; of a number that of a constant. */
  nameOf(operand: string | number, of: string): string {
    if (typeof operand === 'string') return operand;
    const name = `${of}_${this.constants.length}`;
    this.constants.push({ name, shape: [], values: Float32Array.of(operand) });
    return name;
  }

  /** An op that may end by ReLU. */
  withRelu(relu: boolean | undefined, output: string, make: (output: string) => void): void {
    make(relu ? `${output}_before` : output);
    if (relu) this.add('Relu', [`${output}_before`], output);
  }

  put({ op, operands, output, shape, window, relu, residual, axes, keepDims }: ModelOp): void {
    const inputs = operands.map((operand) => this.nameOf(operand, output));
    if (ELEMENTWISE[op]) this.add(ELEMENTWISE[op], inputs, output);
    else if (op === 'square') this.add('Mul', [inputs[0], inputs[0]], output);
    else if (op === 'conv2d') this.#convolution(inputs, window!, { output, relu, residual });
    else if (op === 'matmul') this.withRelu(relu, output, (name) => this.add('Gemm', inputs, name, { transB: 1 }));
    else if (op === 'maxPool2d') this.add('MaxPool', inputs, output, windowed(window!));
    else if (op === 'avgPool2d') {
      const { dilations: _, ...rest } = windowed(window!);
      this.add('AveragePool', inputs, output, { ...rest, count_include_pad: 1 });
    } else if (op === 'mean') this.add('ReduceMean', inputs, output, { axes: axes!, keepdims: Number(keepDims) });
    else if (op === 'reshape') {
      const name = `${output}_shape`;
      this.constants.push({ name, shape: [shape.length], values: BigInt64Array.from(shape, BigInt) });
      this.add('Reshape', [inputs[0], name], output);
    } else throw new TypeError(`there is no ONNX node for ${op}`);
  }

  #convolution(
    inputs: readonly string[],
    window: ModelWindow,
    { output, relu, residual }: Pick<ModelOp, 'output' | 'relu' | 'residual'>,
  ): void {
    const attributes = { ...windowed(window), group: window.groups };
    this.withRelu(relu, output, (name) => {
      if (!residual) this.add('Conv', inputs, name, attributes);
      else this.add('Add', [this.add('Conv', inputs.slice(0, -1), `${name}_conv`, attributes), inputs.at(-1)!], name);
    });
  }
}

/** The graph of a model; its one input are the images. */
export function modelGraph(graph: ModelOps, values: Inputs): OnnxGraph {
  const { inputs, ops, output, shape } = graph;
  const nodes = new Nodes();
  for (const op of ops) nodes.put(op);
  const weights = constantsOf(graph).map((name) => ({ name, shape: inputs[name], values: values[name] }));
  return {
    inputs: [{ name: IMAGES, shape: inputs[IMAGES] }],
    constants: [...weights, ...nodes.constants],
    nodes: nodes.nodes,
    output: { name: output, shape },
  };
}

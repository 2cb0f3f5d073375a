// The ONNX graph of each kind of case.
//
//   gemm           C = Relu?(Gemm(A, B, bias?; alpha, transA, transB))
//   gemm, batched  C = Relu?(Add?(FusedMatMul(A, B; alpha, transA, transB), bias))      FusedMatMul is onnxruntime's own, of com.microsoft
//   model          onnx-model.ts
//   conv           output = Relu?(Add?(Conv(input, filter, bias?), residual))           onnxruntime fuses what follows the Conv
//
// Operands are inputs of the graph; only those that a case calls constant are part of the model, which onnxruntime packs once and for all.

import type { MatmulProblem } from '../../kernels/problem.ts';
import { convShapes, inputShapes } from './conv.ts';
import { storedShapes } from './gemm.ts';
import type { OnnxGraph, OnnxNode } from './onnx.ts';
import { modelGraph } from './onnx-model.ts';
import type { ConvCase, Inputs, PeerCase } from './peer.ts';

/** The graph of a case that `supports` has let through. */
export function onnxGraph(asked: PeerCase, inputs: Inputs): OnnxGraph {
  switch (asked.kind) {
    case 'gemm':
      return gemmGraph(asked.problem);
    case 'conv':
      return convGraph(asked, inputs);
    case 'model':
      return modelGraph(asked.graph!, inputs);
    default:
      throw new TypeError(`expected a gemm or a conv, got ${asked.kind}`);
  }
}

function gemmNodes({ batch, alpha, transposeA, transposeB, epilogue }: MatmulProblem): OnnxNode[] {
  const [product, sum] = [epilogue.bias && batch > 1 ? 'AB' : epilogue.relu ? 'sum' : 'C', epilogue.relu ? 'sum' : 'C'];
  const attributes = { alpha: { float: alpha }, transA: Number(transposeA), transB: Number(transposeB) };
  const nodes: OnnxNode[] = [];
  if (batch === 1) nodes.push({ op: 'Gemm', inputs: ['A', 'B', ...(epilogue.bias ? ['bias'] : [])], output: sum, attributes });
  else {
    nodes.push({ op: 'FusedMatMul', domain: 'com.microsoft', inputs: ['A', 'B'], output: product, attributes });
    if (epilogue.bias) nodes.push({ op: 'Add', inputs: [product, 'bias'], output: sum });
  }
  if (epilogue.relu) nodes.push({ op: 'Relu', inputs: ['sum'], output: 'C' });
  return nodes;
}

/** The graph of a matmul problem; its inputs are A, B and, if the epilogue has one, bias. */
export function gemmGraph(problem: MatmulProblem): OnnxGraph {
  const { A, B, C } = storedShapes(problem);
  return {
    inputs: [{ name: 'A', shape: A }, { name: 'B', shape: B }, ...(problem.epilogue.bias ? [{ name: 'bias', shape: [problem.n] }] : [])],
    nodes: gemmNodes(problem),
    output: { name: 'C', shape: C },
  };
}

/** The graph of a forward convolution; its inputs are input, filter and what the epilogue takes, but for the constants. */
export function convGraph(asked: ConvCase, inputs: Inputs): OnnxGraph {
  const { problem, constants } = asked;
  const { groups, vertical, horizontal, epilogue } = problem;
  const shapes = inputShapes(asked);
  const tensors = Object.keys(inputs).map((name) => ({ name, shape: shapes[name] }));
  const [conv, sum] = [epilogue.residual ? 'conv' : epilogue.relu ? 'sum' : 'output', epilogue.relu ? 'sum' : 'output'];
  const nodes: OnnxNode[] = [
    {
      op: 'Conv',
      inputs: ['input', 'filter', ...(epilogue.bias ? ['bias'] : [])],
      output: conv,
      attributes: {
        dilations: [vertical.dilation, horizontal.dilation],
        group: groups,
        kernel_shape: [vertical.window, horizontal.window],
        pads: [vertical.before, horizontal.before, vertical.after, horizontal.after],
        strides: [vertical.stride, horizontal.stride],
      },
    },
  ];
  if (epilogue.residual) nodes.push({ op: 'Add', inputs: [conv, 'residual'], output: sum });
  if (epilogue.relu) nodes.push({ op: 'Relu', inputs: [sum], output: 'output' });
  return {
    inputs: tensors.filter(({ name }) => !constants.includes(name)),
    constants: tensors.filter(({ name }) => constants.includes(name)).map((tensor) => ({ ...tensor, values: inputs[tensor.name] })),
    nodes,
    output: { name: 'output', shape: convShapes(problem).output },
  };
}

// A model in the Open Neural Network Exchange format, for one matmul problem: what onnxruntime is fed.
//
// ONNX files are protocol buffers. A message is a run of fields, each a tag (number · 8 + wire type) and a value: a varint (0), 32 bits (5), or
// bytes with their length (2). The field numbers are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
//
//   batch 1    C = Relu?(Gemm(A, B, bias?; alpha, transA, transB))
//   batched    C = Relu?(Add?(FusedMatMul(A, B; alpha, transA, transB), bias))       FusedMatMul is onnxruntime's own, of com.microsoft
//
// A and B are inputs of the graph, not initialisers: onnxruntime packs initialisers once and for all, and then a call would not pack.

import type { MatmulProblem } from '../../kernels/problem.ts';
import { storedShapes } from './gemm.ts';

/** Version of the format, and of the operators used. */
const IR_VERSION = 8;
const OPSET = 13;

const FLOAT = 1;

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}

type Field = readonly number[];
const integer = (field: number, value: number): Field => [...varint(field * 8), ...varint(value)];
const float32 = (field: number, value: number): Field => [...varint(field * 8 + 5), ...new Uint8Array(Float32Array.of(value).buffer)];
const bytes = (field: number, value: readonly number[]): Field => [...varint(field * 8 + 2), ...varint(value.length), ...value];
const text = (field: number, value: string): Field => bytes(field, [...new TextEncoder().encode(value)]);
const message = (field: number, ...fields: readonly Field[]): Field => bytes(field, fields.flat());

/** Enumeration AttributeProto.AttributeType. */
const FLOAT_ATTRIBUTE = 1;
const INT_ATTRIBUTE = 2;

const floatAttribute = (name: string, value: number): Field => message(5, text(1, name), float32(2, value), integer(20, FLOAT_ATTRIBUTE));
const intAttribute = (name: string, value: number): Field => message(5, text(1, name), integer(3, value), integer(20, INT_ATTRIBUTE));

interface Node {
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: readonly Field[];
}

const node = ({ op, domain, inputs, output, attributes = [] }: Node): Field =>
  message(1, ...inputs.map((name) => text(1, name)), text(2, output), text(4, op), ...attributes, ...(domain ? [text(7, domain)] : []));

/** ValueInfoProto of a dense f32 tensor. */
const value = (field: number, name: string, shape: readonly number[]): Field =>
  message(
    field,
    text(1, name),
    message(2, message(1, integer(1, FLOAT), message(2, ...shape.map((size) => message(1, integer(1, size)))))),
  );

function nodes({ batch, alpha, transposeA, transposeB, epilogue }: MatmulProblem): Node[] {
  const [product, sum] = [epilogue.bias && batch > 1 ? 'AB' : epilogue.relu ? 'sum' : 'C', epilogue.relu ? 'sum' : 'C'];
  const transposes = [intAttribute('transA', Number(transposeA)), intAttribute('transB', Number(transposeB))];
  const attributes = [floatAttribute('alpha', alpha), ...transposes];
  const graph: Node[] = [];
  if (batch === 1) graph.push({ op: 'Gemm', inputs: ['A', 'B', ...(epilogue.bias ? ['bias'] : [])], output: sum, attributes });
  else {
    graph.push({ op: 'FusedMatMul', domain: 'com.microsoft', inputs: ['A', 'B'], output: product, attributes });
    if (epilogue.bias) graph.push({ op: 'Add', inputs: [product, 'bias'], output: sum });
  }
  if (epilogue.relu) graph.push({ op: 'Relu', inputs: ['sum'], output: 'C' });
  return graph;
}

/** The model's bytes. Inputs are A, B and, if the epilogue has one, bias; the output is C. All shapes are fixed. */
export function matmulModel(problem: MatmulProblem): Uint8Array<ArrayBuffer> {
  const { A, B, C } = storedShapes(problem);
  const graph = message(
    7,
    ...nodes(problem).map(node),
    text(2, 'matmul'),
    value(11, 'A', A),
    value(11, 'B', B),
    ...(problem.epilogue.bias ? [value(11, 'bias', [problem.n])] : []),
    value(12, 'C', C),
  );
  const opset = (domain: string, version: number) => message(8, text(1, domain), integer(2, version));
  return Uint8Array.from([integer(1, IR_VERSION), graph, opset('', OPSET), opset('com.microsoft', 1)].flat());
}

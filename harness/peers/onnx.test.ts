import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { conv2d, matmul } from '../../kernels/problem.ts';
import { onnxModel } from './onnx.ts';
import { convGraph, gemmGraph } from './onnx-graphs.ts';

/** Fields of a protocol buffer as [number, value], messages unread. */
function fields(bytes: Uint8Array): [number, number | Uint8Array][] {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const found: [number, number | Uint8Array][] = [];
  while (at < bytes.length) {
    const tag = varint();
    if (tag % 8 === 0) found.push([tag >> 3, varint()]);
    else {
      const length = tag % 8 === 5 ? 4 : varint();
      found.push([tag >> 3, bytes.subarray(at, (at += length))]);
    }
  }
  assert.is(at, bytes.length);
  return found;
}

const only = (bytes: Uint8Array, number: number) =>
  fields(bytes).flatMap(([field, value]) => (field === number ? [value as Uint8Array] : []));
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const graphOf = (problem: Parameters<typeof matmul>[0]) => only(onnxModel(gemmGraph(matmul(problem))), 7)[0];
const operators = (graph: Uint8Array) => only(graph, 1).map((node) => text(only(node, 4)[0]));
const inputs = (graph: Uint8Array) => only(graph, 11).map((value) => text(only(value, 1)[0]));

test('one Gemm does a single product, with its bias', () => {
  const graph = graphOf({ m: 2, n: 3, k: 300, epilogue: { bias: true, relu: true } });
  assert.equal(operators(graph), ['Gemm', 'Relu']);
  assert.equal(inputs(graph), ['A', 'B', 'bias']);
});

test('B is an input and never an initialiser, which would be packed in advance', () => {
  for (const batch of [1, 2]) {
    const graph = graphOf({ batch, m: 2, n: 3, k: 4 });
    assert.equal(inputs(graph), ['A', 'B']);
    assert.equal(only(graph, 5), []);
  }
});

test('a batch is a fused matmul, then bias, then ReLU', () => {
  assert.equal(operators(graphOf({ batch: 2, m: 2, n: 3, k: 4, epilogue: { bias: true, relu: true } })), ['FusedMatMul', 'Add', 'Relu']);
  assert.equal(operators(graphOf({ batch: 2, m: 2, n: 3, k: 4 })), ['FusedMatMul']);
});

test('shapes are those of the operands as stored', () => {
  const [A] = only(graphOf({ m: 200, n: 3, k: 70000, transposeA: true }), 11);
  const shape = only(only(only(A, 2)[0], 1)[0], 2)[0];
  assert.equal(
    only(shape, 1).map((dimension) => fields(dimension)[0][1]),
    [70000, 200],
  );
});

test('a convolution has its constants in the model, and the rest as inputs', () => {
  const epilogue = { bias: true, residual: true, relu: true };
  const problem = conv2d({ input: [1, 4, 7, 8], filter: [6, 2, 3, 3], groups: 2, stride: [1, 2], padding: [0, 1, 3, 2], epilogue });
  const values = { input: new Float32Array(224), filter: Float32Array.from({ length: 108 }, (_, i) => i), bias: new Float32Array(6) };
  const residual = new Float32Array(6 * 6 * 6);
  const graphs = [[], ['filter', 'bias']].map(
    (constants) => only(onnxModel(convGraph({ kind: 'conv', problem, constants }, { ...values, residual })), 7)[0],
  );
  assert.equal(graphs.map(operators), Array(2).fill(['Conv', 'Add', 'Relu']));
  assert.equal(graphs.map(inputs), [
    ['input', 'filter', 'bias', 'residual'],
    ['input', 'residual'],
  ]);
  const [filter] = only(graphs[1], 5);
  assert.equal(new Float32Array(only(filter, 9)[0].slice().buffer), values.filter);
  const attributes = only(only(graphs[0], 1)[0], 5).map((attribute) => [
    text(only(attribute, 1)[0]),
    fields(attribute)
      .filter(([field]) => field === 3 || field === 8)
      .map(([, value]) => value),
  ]);
  assert.equal(Object.fromEntries(attributes), {
    dilations: [1, 1],
    group: [2],
    kernel_shape: [3, 3],
    pads: [0, 3, 1, 2],
    strides: [1, 2],
  });
});

test.run();

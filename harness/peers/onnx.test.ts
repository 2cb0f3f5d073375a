import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { matmul } from '../../kernels/problem.ts';
import { matmulModel } from './onnx.ts';

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

const graphOf = (problem: Parameters<typeof matmul>[0]) => only(matmulModel(matmul(problem)), 7)[0];
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

test.run();

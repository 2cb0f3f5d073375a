import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { choose, kernelsFor } from './catalog.ts';
import { apply, constant, countOf, type Expression, flopsOf, gelu, input, scalar, sigmoid, stepsOf, textOf } from './expression.ts';
import { mergeDimensions, pointwise } from './problems/pointwise.ts';
import { agrees, erf, evaluate, pow } from './references/pointwise.ts';

const [x, y] = [input(0), input(1)];
const exactly = (expression: Expression, ...inputs: number[]) => evaluate({ expression, scalars: [2] }, inputs, 'cpu').value;

test('equal branches are one step, whether shared or built twice', () => {
  const twice = apply('add', apply('exp', x), apply('exp', input(0)));
  assert.is(stepsOf(twice).length, 3);
  assert.is(textOf(twice), 'input0:f32 exp(#0) add(#1,#1)');
  let deep: Expression = x;
  for (let i = 0; i < 100; i++) deep = apply('add', deep, deep);
  assert.is(stepsOf(deep).length, 101);
  assert.equal(flopsOf(deep), { direct: 100, executed: 100 });
});

test('texts tell apart what code would', () => {
  const texts = [x, y, input(0, 'i32'), scalar(0), constant(1), constant(1, 'i32'), constant(true), constant(0), constant(-0)].map(textOf);
  assert.is(new Set(texts).size, texts.length);
  assert.is(textOf(constant(0.1)), textOf(constant(Math.fround(0.1))));
  assert.is(countOf(apply('mul', scalar(2), y), 'scalar'), 3);
});

test('types are inferred, and refused where they do not fit', () => {
  assert.is(apply('lt', x, y).type, 'bool');
  assert.is(apply('add', input(0, 'i32'), 1).operands[1].type, 'i32');
  assert.is(apply('where', apply('gt', x, 0), 1, x).operands[1].type, 'f32');
  assert.throws(() => apply('add', x, input(1, 'i32')), /add of \(f32, i32\), expected two numbers of one type; cast by f32, i32 or bool/);
  assert.throws(() => apply('exp', input(0, 'i32')), /exp of \(i32\), expected f32/);
  assert.throws(() => apply('not', x), /not of \(f32\)/);
  assert.throws(() => apply('add', x), /add of \(f32\)/);
});

test('values are those of the formulas', () => {
  assert.is(exactly(apply('mul', scalar(0), x), 3), 6);
  assert.ok(Math.abs(exactly(sigmoid(x), 1) - 1 / (1 + Math.exp(-1))) < 1e-15);
  assert.ok(Math.abs(exactly(gelu(x), 1) - 0.8413447460685429) < 1e-7);
  assert.is(exactly(apply('i32', x), -2.7), -2);
  assert.is(exactly(apply('i32', x), 1e10), 2 ** 31 - 1);
  assert.is(exactly(apply('add', input(0, 'i32'), input(1, 'i32')), 2 ** 31 - 1, 1), -(2 ** 31));
  assert.is(exactly(apply('exp', x), 100), Infinity);
  assert.is(pow(1, Number.NaN), 1);
  assert.is(pow(-1, Infinity), 1);
  // Abramowitz and Stegun, table 7.1.
  assert.ok(Math.abs(erf(0.5) - 0.5204998778) < 1e-10 && Math.abs(erf(2) - 0.995322265) < 1e-9);
});

test('bounds grow with what operands are off by, and end where a comparison could go either way', () => {
  const bounded = (expression: Expression, ...inputs: number[]) => evaluate({ expression, scalars: [] }, inputs, 'cpu');
  const difference = apply('sub', apply('exp', x), apply('exp', y));
  assert.ok(bounded(difference, 1, 1.000001).error > 2 ** -23 && bounded(difference, 1, 1.000001).error < 2 ** -19);
  assert.is(bounded(apply('lt', apply('exp', x), apply('exp', y)), 1, 1).error, Infinity);
  assert.is(bounded(apply('lt', x, y), 1, 1).error, 0);
  assert.not.ok(agrees(Number.NaN, { value: 1, error: 1e-6 }));
  assert.ok(agrees(Number.NaN, { value: Number.NaN, error: 0 }));
});

test('dimensions merge where every operand runs through them as one', () => {
  assert.equal(mergeDimensions([2, 3, 4], [[12, 4, 1]]), { shape: [24], strides: [[1]] });
  assert.equal(mergeDimensions([2, 1, 3, 4], [[0, 9, 4, 1]]), { shape: [2, 12], strides: [[0, 1]] });
  assert.equal(
    mergeDimensions(
      [2, 3, 4],
      [
        [12, 4, 1],
        [0, 0, 1],
      ],
    ),
    {
      shape: [6, 4],
      strides: [
        [4, 1],
        [0, 1],
      ],
    },
  );
  assert.equal(mergeDimensions([1, 1], [[5, 7]]), { shape: [1], strides: [[1]] });
});

test('pointwise problems refuse what does not fit', () => {
  const add = apply('add', x, y);
  assert.throws(() => pointwise({ shape: [3], inputs: [{}], expression: add }), /reads input 1, but there are 1/);
  assert.throws(
    () => pointwise({ shape: [3], inputs: [{}, { dtype: 'i32' }], expression: add }),
    /input 1 as f32, but it is stored as i32/,
  );
  assert.throws(
    () => pointwise({ shape: [3], inputs: [{}, {}], expression: add, dtype: 'bool' }),
    /gives f32, which is not stored as bool/,
  );
  assert.throws(() => pointwise({ shape: [0], inputs: [], expression: constant(1) }), /size 0, expected whole numbers from 1/);
  assert.throws(() => pointwise({ shape: [3], inputs: [{ strides: [1, 1] }, {}], expression: add }), /input 0 has strides \[1,1\]/);
  assert.throws(() => pointwise({ shape: [2, 3], inputs: [{ strides: [0, 1] }, {}], expression: add, inPlace: 0 }), /input 0 cannot take/);
  assert.throws(() => pointwise({ shape: [3], inputs: [{}], expression: apply('mul', x, scalar(0)) }), /reads 1 scalars, but 0 are given/);
});

test('code depends on the variant alone: other sizes, strides and scalars give the same', () => {
  const expression = apply('add', apply('mul', x, scalar(0)), y);
  const problemOf = (rows: number, columns: number, value: number) =>
    pointwise({ shape: [rows, columns], inputs: [{}, { strides: [0, 1], offset: 8 }], expression, scalars: [value] });
  const limits = { threads: 2, l1Bytes: 2 ** 15, l2Bytes: 2 ** 20, maxStorageBuffersPerShaderStage: 8 };
  for (const kind of ['cpu', 'webgpu'] as const) {
    const device = { kind, features: new Set(['simd']), limits };
    const [few, many] = [problemOf(4, 8, 1), problemOf(100, 64, 2)];
    const [kernel] = kernelsFor('pointwise', kind);
    assert.is(choose(few, device).kernel, kernel);
    assert.is(kernel.variant(few), kernel.variant(many));
    const tunables = kernel.defaults(few, device);
    assert.equal(kernel.generate(few, tunables, device), kernel.generate(many, tunables, device));
  }
});

test.run();

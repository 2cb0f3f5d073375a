import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Request, UsageError } from '../harness/suite.ts';
import suite from './matmul.ts';

const request = (more: Partial<Request> = {}): Request => ({
  devices: ['cpu', 'webgpu'],
  quick: false,
  seed: 1,
  threads: [1],
  options: {},
  ...more,
});
const names = (more: Partial<Request>) => suite.cases(request(more)).map(({ name }) => name);
const refusal = (more: Partial<Request>): string => {
  try {
    suite.cases(request(more));
  } catch (error) {
    assert.instance(error, UsageError);
    return (error as Error).message;
  }
  throw new Error('it was not refused');
};

test('a case is named by its shape, how it is stored, and what else is not usual', () => {
  assert.equal(names({ shapes: '2x3x4, 5x6x7' }), ['matmul/2x3x4/nn/f32', 'matmul/5x6x7/nn/f32']);
  assert.equal(names({ shapes: '2x3x4', options: { transpose: 'nt,tt', dtype: 'f32,f16' } }), [
    'matmul/2x3x4/nt/f32',
    'matmul/2x3x4/nt/f16',
    'matmul/2x3x4/tt/f32',
    'matmul/2x3x4/tt/f16',
  ]);
  assert.equal(names({ shapes: '2x3x4', options: { batch: '8', epilogue: 'relu,bias', readback: true } }), [
    'matmul/2x3x4/b8/nn/f32/bias+relu/readback',
  ]);
});

test('the problem is what the name says', () => {
  const [{ problem, readback }] = suite.cases(request({ shapes: '2x3x4', options: { transpose: 'tn', batch: '5', epilogue: 'bias' } }));
  assert.equal(problem, {
    op: 'matmul',
    batch: 5,
    m: 2,
    n: 3,
    k: 4,
    transposeA: true,
    transposeB: false,
    alpha: 1,
    epilogue: { bias: true, relu: false },
    dtype: 'f32',
  });
  assert.is(readback, false);
});

test('a file names its columns, in any order and among others; the command line overrules how it stores', () => {
  const shapes = 'flop,k,n,m,b_transposed,a_transposed\n1,4,3,2,1,0\n1,4,3,2,0,1\n1,4,3,2,1,0\n';
  assert.equal(names({ shapes }), ['matmul/2x3x4/nt/f32', 'matmul/2x3x4/tn/f32']);
  assert.equal(names({ shapes, options: { transpose: 'nn' } }), ['matmul/2x3x4/nn/f32']);
  assert.equal(names({ shapes: 'm,n,k\n2,3,4\n' }), ['matmul/2x3x4/nn/f32']);
});

test('damage in a file is told with its line', () => {
  assert.match(refusal({ shapes: 'm,n\n2,3\n' }), /lacks the columns k/);
  assert.match(refusal({ shapes: 'm,n,k\n' }), /no shapes/);
  assert.match(refusal({ shapes: 'm,n,k\n2,3,4\n2,0,4\n' }), /line 3: n is '0', expected a whole number from 1 to 1073741824/);
  assert.match(refusal({ shapes: 'm,n,k\n2,3,4\n2,3\n' }), /line 3: found 2 fields, expected 3/);
  assert.match(refusal({ shapes: 'm,n,k,a_transposed\n2,3,4,maybe\n' }), /line 2: a_transposed is 'maybe', expected 0 or 1/);
  assert.match(refusal({ shapes: 'm,n,k\n99999,99999,1\n' }), /line 2: matmul: operand C/);
});

test('malformed shapes and options name themselves and what they may be', () => {
  assert.match(refusal({ shapes: '2x3' }), /'2x3' is not MxNxK/);
  assert.match(refusal({ shapes: '2x-3x4' }), /N of '2x-3x4' is '-3', expected a whole number from 1/);
  assert.match(refusal({ shapes: '2x3x4.5' }), /K of/);
  assert.match(refusal({ shapes: '2x3x0x10' }), /not MxNxK/);
  assert.match(refusal({ options: { batch: '0' } }), /--batch is '0', expected a whole number from 1/);
  assert.match(refusal({ options: { dtype: 'f64' } }), /--dtype: 'f64' is none of f32, f16/);
  assert.match(refusal({ options: { epilogue: 'tanh' } }), /--epilogue: 'tanh' is none of bias, relu/);
});

test('a quick run has small sizes, and spares the GPU the largest', () => {
  const quick = suite.cases(request({ quick: true }));
  assert.ok(quick.length < suite.cases(request()).length);
  assert.equal(
    quick.filter(({ devices }) => devices).map(({ name, devices }) => [name, devices]),
    [['matmul/512x512x512/nn/f32', ['cpu']]],
  );
});

test.run();

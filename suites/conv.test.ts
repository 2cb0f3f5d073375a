import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Request, UsageError } from '../harness/suite.ts';
import { conv2d } from '../kernels/problem.ts';
import suite from './conv.ts';
import { convShape, convShapesOf, convShapeText, LAYERS } from './conv-shapes.ts';

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
    assert.not.match((error as Error).message, /\n/);
    return (error as Error).message;
  }
  throw new Error('it was not refused');
};

/** The first lines of DeepBench's training set, as it was turned into a file. */
const HEADER = 'set,w,h,c,n,k,filter_w,filter_h,pad_w,pad_h,stride_w,stride_h,out_w,out_h,flop_forward';
const DEEPBENCH = `${HEADER}\ntraining,700,161,1,4,32,20,5,0,0,2,2,341,79,689638400\ntraining,27,27,128,8,128,3,3,1,1,1,1,27,27,1719926784\n`;

test('a case is named by its shape, its pass, and what else is not usual', () => {
  assert.equal(names({ shapes: '1x64x56x56:64x3x3:s1p1,2x4x9x8:6x3x2' }), [
    'conv/1x64x56x56:64x3x3:s1p1/forward/f32',
    'conv/2x4x9x8:6x3x2:s1p0/forward/f32',
  ]);
  const options = { pass: 'forward,filter-grad', epilogue: 'relu,bias,residual', 'train-weights': true, readback: true, batch: '3' };
  assert.equal(names({ shapes: '1x4x9x8:6x3x3:s2x1p1d2g2', options }), [
    'conv/3x4x9x8:6x3x3:s2x1p1d2g2/forward/f32/bias+residual+relu/train-weights/readback',
    'conv/3x4x9x8:6x3x3:s2x1p1d2g2/filter-grad/f32/readback',
  ]);
});

test('the problem is what the name says, and weights are constant where they are not trained', () => {
  const shapes = '2x4x9x8:6x3x2:s2x1p0x1d1x2g2';
  const [{ problem, constants }] = suite.cases(request({ shapes, options: { epilogue: 'bias' } }));
  const geometry = { input: [2, 4, 9, 8], filter: [6, 2, 3, 2], stride: [2, 1], padding: [0, 1], dilation: [1, 2], groups: 2 } as const;
  assert.equal(problem, conv2d({ ...geometry, epilogue: { bias: true } }));
  assert.equal(constants, ['filter', 'bias']);
  const of = (options: Request['options']) => suite.cases(request({ shapes, options }))[0].constants;
  assert.equal([of({}), of({ 'train-weights': true }), of({ pass: 'input-grad' })], [['filter'], [], []]);
});

test('a shape reads back as it is written', () => {
  for (const text of ['1x64x56x56:64x3x3:s1p1', '4x1x161x700:32x5x20:s2p0', '1x8x9x9:8x3x3:s2x1p1x0d2g8'])
    assert.is(convShapeText(convShape(text, 'test')), text);
});

test("DeepBench's files are read, w before h as they have it", () => {
  assert.equal(names({ shapes: DEEPBENCH }), ['conv/4x1x161x700:32x5x20:s2p0/forward/f32', 'conv/8x128x27x27:128x3x3:s1p1/forward/f32']);
  const [first] = suite.cases(request({ shapes: DEEPBENCH }));
  const { vertical, horizontal } = conv2d({ input: [4, 1, 161, 700], filter: [32, 1, 5, 20], stride: 2 });
  assert.equal(first.problem, { ...first.problem, vertical, horizontal });
});

test('damage in a file is told with its line', () => {
  const lines = DEEPBENCH.split('\n');
  const spoilt = (line: string) => refusal({ shapes: `${lines[0]}\n${lines[1]}\n${line}\n` });
  assert.match(refusal({ shapes: 'w,h,c\n1,2,3\n' }), /lacks the columns n, k, filter_w/);
  assert.match(refusal({ shapes: `${HEADER}\n` }), /no shapes/);
  assert.match(spoilt(lines[2].replace('128,8', '128,0')), /line 3: n is '0', expected a whole number from 1/);
  assert.match(spoilt(lines[2].replace('128,8', '128,-8')), /line 3: n is '-8'/);
  assert.match(spoilt(lines[2].replace('3,3,1,1', '3,3,1,')), /line 3: /);
  assert.match(spoilt(lines[2].slice(0, 30)), /line 3: found \d+ fields, expected 15/);
  assert.match(spoilt(lines[2].replace('27,27,128', '2,2,128').replace('1,1,1,1', '0,0,1,1')), /line 3: conv2d: a window of 3 taps/);
});

test('malformed shapes and impossible windows are one line that names them', () => {
  for (const text of ['1x3x8:8x3x3', '1x3x8x8', '1x3x8x8:8x3', '1x3x8x8:8x3x3:', '1x3x8x8:8x3x3:p1s1', '1x3x8x8:8x3x3:s1.5', 'x', ''])
    assert.match(refusal({ shapes: text }), new RegExp(`--shapes: '${text}' is not NxCxHxW:KxRxS`));
  assert.match(refusal({ shapes: '0x3x8x8:8x3x3' }), /batch is 0, expected a whole number from 1/);
  assert.match(refusal({ shapes: '1x3x8x8:8x3x3:s0' }), /stride is 0, expected/);
  assert.match(refusal({ shapes: '1x3x8x8:8x11x3:s1p1' }), /window of 11 taps .* spans 11 elements, more than the 10 of the padded input/);
  assert.match(refusal({ shapes: '1x3x8x8:8x3x3:s1p1g2' }), /'1x3x8x8:8x3x3:s1p1g2': 2 groups do not divide 3 channels and 8 filters/);
  assert.match(refusal({ shapes: '1x3x8x8:8x3x3:g0' }), /0 groups do not divide/);
  assert.match(refusal({ shapes: '999999x64x99x99:8x3x3' }), /operand input has \d+ elements, more than 2\^30/);
  assert.match(refusal({ options: { pass: 'backward' } }), /--pass: 'backward' is none of forward, input-grad, filter-grad/);
  assert.match(refusal({ options: { epilogue: 'gelu' } }), /--epilogue: 'gelu' is none of bias, residual, relu/);
  assert.match(refusal({ options: { batch: 'many' } }), /--batch is 'many', expected a whole number from 1/);
});

test('the layers of the nets are problems, each once; a quick run has some of them', () => {
  const all = suite.cases(request());
  assert.is(all.length, LAYERS.length);
  assert.is(convShapesOf(LAYERS.map(({ shape }) => shape).join()).length, LAYERS.length);
  assert.equal(new Set(LAYERS.map(({ net }) => net)), new Set(['alexnet', 'vgg16', 'resnet50', 'mobilenet', 'deepbench']));
  assert.ok(suite.cases(request({ quick: true })).length < all.length / 2);
});

test.run();

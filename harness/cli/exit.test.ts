import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { editDistance, nearest, unknownName } from '../nearest.ts';
import { UsageError } from '../suite.ts';
import { EXIT, exitCodeOf, gravest } from './exit.ts';

test('the codes are the contract, and the gravest of several wins: 130, 2, 3, 4, 1, 5, 0', () => {
  assert.equal(EXIT, { passed: 0, regression: 1, usage: 2, failed: 3, invalid: 4, inconclusive: 5, interrupted: 130 });
  const order = [130, 2, 3, 4, 1, 5, 0] as const;
  for (let i = 0; i < order.length; i++) assert.is(gravest(order.slice(i).toReversed()), order[i]);
  assert.is(gravest([]), 0);
});

test('errors have their codes', () => {
  assert.is(exitCodeOf(new UsageError('no')), 2);
  assert.is(exitCodeOf(Object.assign(new Error('full'), { name: 'WriteError' })), 4);
  assert.is(exitCodeOf(new Error('boom')), 3);
});

test('edit distance counts insertions, deletions and replacements', () => {
  assert.is(editDistance('kitten', 'sitting'), 3);
  assert.is(editDistance('', 'abc'), 3);
  assert.is(editDistance('same', 'same'), 0);
});

test('the nearest names come first, and far ones not at all', () => {
  assert.equal(nearest('pakced', ['naive', 'packed', 'gemv']), ['packed']);
  assert.equal(nearest('onnx', ['openblas', 'onnxruntime-node', 'onnxruntime-web']), ['onnxruntime-web', 'onnxruntime-node']);
  assert.match(unknownName('kernel', 'zzzzzz', ['naive']), /^unknown kernel 'zzzzzz'; there are naive$/);
});

test.run();

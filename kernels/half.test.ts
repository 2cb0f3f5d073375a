import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromHalf, toHalf } from './half.ts';

test('every half survives the way through a number', () => {
  for (let bits = 0; bits < 65536; bits++) {
    const value = fromHalf(bits);
    if (Number.isNaN(value)) assert.is((toHalf(value) & 0x7fff) > 0x7c00, true);
    else assert.is(toHalf(value), bits);
  }
});

test('rounding is to nearest, ties to even, and overflow is infinite', () => {
  assert.is(fromHalf(toHalf(1 + 2 ** -11)), 1);
  assert.is(fromHalf(toHalf(1 + 3 * 2 ** -11)), 1 + 2 ** -9);
  assert.is(fromHalf(toHalf(1 + 2 ** -11 + 2 ** -20)), 1 + 2 ** -10);
  assert.is(fromHalf(toHalf(65519)), 65504);
  assert.is(fromHalf(toHalf(65520)), Infinity);
  assert.is(fromHalf(toHalf(-1e9)), -Infinity);
  assert.is(fromHalf(toHalf(2 ** -25)), 0);
  assert.is(fromHalf(toHalf(1.5 * 2 ** -24)), 2 * 2 ** -24);
});

test.run();

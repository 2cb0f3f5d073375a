import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { abbreviate, bytes, duration, scientific, significant } from './format.ts';

test('three significant digits, and rounding never adds one', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [1, '1.00'],
    [9.999, '10.0'],
    [12.345, '12.3'],
    [99.96, '100'],
    [123.4, '123'],
    [1234, '1230'],
    [0.012345, '0.0123'],
    [-1.5, '-1.50'],
    [1e-9, '1.00e-9'],
    [Infinity, 'Infinity'],
  ];
  for (const [value, text] of cases) assert.is(significant(value), text);
});

test('units are chosen after rounding', () => {
  assert.is(duration(999.9), '1.00 µs');
  assert.is(duration(999.4), '999 ns');
  assert.is(duration(0.25), '0.250 ns');
  assert.is(duration(1234567), '1.23 ms');
  assert.is(duration(61e9), '61.0 s');
  assert.is(bytes(0), '0 B');
  assert.is(bytes(512), '512 B');
  assert.is(bytes(4194304), '4.19 MB');
  assert.is(bytes(999999), '1.00 MB');
});

test('errors and long names', () => {
  assert.is(scientific(2.84e-7), '2.8e-7');
  assert.is(scientific(0), '0');
  assert.is(abbreviate('ours:packed@cpu/2', 9), 'ours…pu/2');
  assert.is(abbreviate('short', 9), 'short');
  assert.is(abbreviate('abc', 1), '…');
});

test.run();

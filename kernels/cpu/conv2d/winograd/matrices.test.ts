import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Matrix, transforms } from './matrices.ts';

const times = (matrix: Matrix, vector: readonly number[]) => matrix.map((row) => row.reduce((sum, value, i) => sum + value * vector[i], 0));

for (const [outputs, taps] of [
  [2, 3],
  [4, 3],
  [3, 2],
  [3, 4],
])
  test(`F(${outputs}, ${taps}) is the correlation`, () => {
    const { image, taps: ofTaps, result } = transforms(outputs, taps);
    for (let i = 0; i < outputs + taps - 1; i++)
      for (let k = 0; k < taps; k++) {
        const unit = (length: number, at: number) => Array.from({ length }, (_, j) => (j === at ? 1 : 0));
        const [d, g] = [times(image, unit(outputs + taps - 1, i)), times(ofTaps, unit(taps, k))];
        const got = times(
          result,
          d.map((value, j) => value * g[j]),
        );
        got.forEach((value, y) => {
          assert.ok(Math.abs(value - (i === y + k ? 1 : 0)) < 1e-14, `d = e${i}, g = e${k}: y[${y}] is ${value}`);
        });
      }
  });

test('tiles without points are refused', () => {
  assert.throws(() => transforms(3, 3), /winograd: tiles of 5 elements have no points; 4 and 6 have/);
});

test.run();

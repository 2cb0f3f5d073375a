// Control flow of the graph and of the language compute the same, forward and back, on both devices.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { devicesForTests, differs, leavesNothing, sampleValues } from '../../../framework/each-device.ts';
import { type Conditional, dynamicConditional, staticConditional } from './conditional.ts';
import { dynamicRecurrent, type Recurrent, staticRecurrent } from './recurrent.ts';

const [N, D, H, T] = [3, 4, 5, 6];
const conditional: Conditional = { N, D, H, x: sampleValues(N * D, 1), w1: sampleValues(D * H, 2), w2: sampleValues(D * H, 3) };
const recurrent: Recurrent = { T, D, x: sampleValues(T * D, 4), y: sampleValues(D, 5), w: sampleValues(D, 6, 0.3, 1.2) };

/** y = x · w and the gradient of Σ y² by w, in float64. */
function exactProduct({ x }: Conditional, w: Float32Array) {
  const y = Array.from({ length: N * H }, (_, at) => {
    const [row, column] = [Math.floor(at / H), at % H];
    return Array.from({ length: D }, (_, p) => x[row * D + p] * w[p * H + column]).reduce((sum, term) => sum + term);
  });
  const slope = Array.from({ length: D * H }, (_, at) => {
    const [p, column] = [Math.floor(at / H), at % H];
    return Array.from({ length: N }, (_, row) => x[row * D + p] * 2 * y[row * H + column]).reduce((sum, term) => sum + term);
  });
  return { y, slope };
}

/** The recurrence and its gradients, in float64. */
function exactRecurrence({ x, y: start, w }: Recurrent) {
  const states = [Array.from(start)];
  for (let t = 0; t < T; t++) states.push(states[t].map((value, i) => (value + x[t * D + i]) * w[i]));
  let upstream = states[T].map((value) => 2 * value);
  const byX = new Array<number>(T * D);
  const byW = new Array<number>(D).fill(0);
  for (let t = T - 1; t >= 0; t--) {
    for (let i = 0; i < D; i++) {
      byW[i] += upstream[i] * (states[t][i] + x[t * D + i]);
      byX[t * D + i] = upstream[i] * w[i];
    }
    upstream = upstream.map((g, i) => g * w[i]);
  }
  return { y: states[T], gradients: [byX, upstream, byW] };
}

for (const device of await devicesForTests()) {
  test.after(() => device.close());

  for (const [style, compute] of Object.entries({ static: staticConditional, dynamic: dynamicConditional }))
    test(`${device.kind}: the ${style} conditional computes the branch that z takes, and its gradient`, () =>
      leavesNothing(device, async () => {
        for (const z of [10, -10]) {
          const { y, gradients } = await compute(conditional, z, device);
          const taken = z > 0 ? 0 : 1;
          const expected = exactProduct(conditional, z > 0 ? conditional.w1 : conditional.w2);
          assert.is(differs(y, expected.y, 1e-5), undefined);
          assert.is(differs(gradients[taken]!, expected.slope, 1e-5), undefined);
          assert.ok((gradients[1 - taken] ?? []).every((slope) => slope === 0));
        }
      }));

  for (const [style, compute] of Object.entries({ static: staticRecurrent, dynamic: dynamicRecurrent }))
    test(`${device.kind}: the ${style} recurrence computes every step, and gradients back through all`, () =>
      leavesNothing(device, async () => {
        const [{ y, gradients }, expected] = [await compute(recurrent, device), exactRecurrence(recurrent)];
        assert.is(differs(y, expected.y, 1e-5), undefined);
        gradients.forEach((found, i) => assert.is(differs(found, expected.gradients[i], 1e-5), undefined));
      }));
}

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { awkwardConvolutions } from '../conv2d-conformance.ts';
import { correlationOf } from '../correlation.ts';
import { conv2dOperands } from '../problems/conv2d.ts';
import { randomValues } from '../random.ts';
import { conv2dReference } from './conv2d.ts';
import { conv2dElement } from './conv2d-element.ts';

test('one element is what the walk over all products makes of it, in every pass', () => {
  for (const problem of awkwardConvolutions()) {
    const extents = conv2dOperands(problem);
    const { result } = correlationOf(problem);
    const values = Object.fromEntries(Object.entries(extents).map(([name, { elements }], i) => [name, randomValues(elements, 7 + i)]));
    const whole = conv2dReference(problem, values);
    for (let i = 0; i < extents[result].elements; i++) {
      const { value, scale } = conv2dElement(problem, values, i);
      assert.ok(Math.abs(value - whole.values[i]) <= 1e-12 * whole.scales[i], `${JSON.stringify(problem)}: element ${i} is ${value}`);
      assert.ok(Math.abs(scale - whole.scales[i]) <= 1e-12 * whole.scales[i]);
    }
  }
});

test.run();

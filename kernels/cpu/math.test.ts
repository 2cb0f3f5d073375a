import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { apply, input, type Operation } from '../expression.ts';
import { pointwise } from '../problems/pointwise.ts';
import { seededRandom } from '../random.ts';
import { erf, pow } from '../references/pointwise.ts';
import { trial } from '../trial.ts';
import { openCpu } from './device.ts';
import { vectors } from './pointwise/vectors.ts';

const device = await openCpu({ threads: 1 });
test.after(() => device.close());

async function run(operation: Operation, ...operands: Float32Array<ArrayBuffer>[]): Promise<Float32Array> {
  const elements = operands[0].length;
  const expression = apply(operation, ...operands.map((_, i) => input(i)));
  const problem = pointwise({ shape: [elements], inputs: operands.map(() => ({})), expression });
  const values = Object.fromEntries(operands.map((each, i) => [`x${i}`, each]));
  const extents = Object.fromEntries([...Object.keys(values), 'out'].map((name) => [name, { elements, dtype: 'f32' as const }]));
  return (await trial(device, vectors, problem, { extents, values, outputs: ['out'] })).out as Float32Array;
}

/** The distance of two f32 numbers in steps from one to the next. */
const UNIT = new Float32Array(1);
const BITS = new Int32Array(UNIT.buffer);
function ulps(got: number, exact: number): number {
  const rounded = Math.fround(exact);
  if (Object.is(got, rounded) || (Number.isNaN(got) && Number.isNaN(rounded))) return 0;
  // Another zero, infinity or NaN.
  if (got === rounded || !Number.isFinite(rounded) || !Number.isFinite(got)) return Infinity;
  UNIT[0] = Math.abs(rounded);
  const unit = 2 ** (Math.max(BITS[0] >> 23, 1) - 150);
  return Math.abs(got - exact) / unit;
}

async function worst(
  operation: Operation,
  exact: (...x: number[]) => number,
  ...operands: Float32Array<ArrayBuffer>[]
): Promise<{ ulps: number; where: string }> {
  const results = await run(operation, ...operands);
  let most = 0;
  let where = '';
  results.forEach((result, i) => {
    const given = operands.map((operand) => operand[i]);
    const error = ulps(result, exact(...given));
    if (error > most) {
      most = error;
      where = `${operation}(${given}) = ${result}, exactly ${exact(...given)}`;
    }
  });
  return { ulps: most, where };
}

const SPECIAL = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  2,
  3,
  -2,
  -3,
  Infinity,
  -Infinity,
  Number.NaN,
  2 ** -149,
  -(2 ** -149),
  2 ** -126,
  3.4028234e38,
  -3.4028234e38,
];

/** Numbers spread evenly over an interval, over all exponents, and the special ones. */
function samples(low: number, high: number, seed = 1): Float32Array<ArrayBuffer> {
  const random = seededRandom(seed);
  const even = Array.from({ length: 150_001 }, (_, i) => low + ((high - low) * i) / 150_000);
  const bits = Int32Array.from({ length: 150_000 }, () => Math.floor((random() - 0.5) * 2 ** 32));
  return Float32Array.from([...SPECIAL, ...even, ...new Float32Array(bits.buffer)]);
}

for (const [operation, exact, low, high, bound] of [
  ['exp', Math.exp, -105, 90, 2],
  ['log', Math.log, 0, 10, 2],
  ['tanh', Math.tanh, -10, 10, 4],
  ['erf', erf, -5, 5, 4],
] as const)
  test(`${operation} is within ${bound} ulp, special values included`, async () => {
    const { ulps, where } = await worst(operation, exact, samples(low, high));
    assert.ok(ulps <= bound, `${ulps} ulp: ${where}`);
  });

test('pow is within 1 ulp, and as C has it for special values', async () => {
  const dense = await worst('pow', pow, samples(0, 100), samples(-20, 20, 7));
  assert.ok(dense.ulps <= 1, `${dense.ulps} ulp: ${dense.where}`);
  const pairs = SPECIAL.flatMap((x) => SPECIAL.map((y) => [x, y]));
  const [x, y] = [0, 1].map((side) => Float32Array.from(pairs, (pair) => pair[side]));
  const special = await worst('pow', pow, x, y);
  assert.ok(special.ulps <= 1, special.where);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing, sampleValues } from '../each-device.ts';
import { gradcheck } from '../gradcheck.ts';
import { refuses } from '../refuses.ts';
import type { Tensor } from '../tensor.ts';
import * as ops from './pointwise.ts';

/** erf by its Maclaurin series, in float64; exact enough below 3. */
function erf(x: number): number {
  let [sum, term] = [x, x];
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Each op of one operand with float64's answer, and the interval it is tried on. */
const unary: [name: string, work: (x: Tensor) => Tensor, exact: (x: number) => number, low?: number, high?: number][] = [
  ['neg', (x) => x.neg(), (x) => -x],
  ['abs', (x) => x.abs(), Math.abs],
  ['exp', (x) => x.exp(), Math.exp],
  ['log', (x) => x.log(), Math.log, 0.3, 4],
  ['sqrt', (x) => x.sqrt(), Math.sqrt, 0.3, 4],
  ['square', (x) => x.square(), (x) => x * x],
  ['erf', (x) => ops.erf(x), erf],
  ['relu', (x) => x.relu(), (x) => Math.max(x, 0)],
  ['leakyRelu', (x) => x.leakyRelu(0.2), (x) => (x > 0 ? x : 0.2 * x)],
  ['sigmoid', (x) => x.sigmoid(), sigmoid],
  ['tanh', (x) => x.tanh(), Math.tanh],
  ['gelu', (x) => x.gelu(), (x) => (x / 2) * (1 + erf(x / Math.SQRT2))],
  ['clip', (x) => x.clip(-1.03, 0.77), (x) => Math.min(Math.max(x, -1.03), 0.77)],
  ['x + 1.5', (x) => x.add(1.5), (x) => x + 1.5],
  ['2 - x', (x) => ops.sub(2, x), (x) => 2 - x],
  ['3 / x', (x) => ops.div(3, x), (x) => 3 / x, 0.5, 3],
  ['x ^ 3', (x) => x.pow(3), (x) => x ** 3, 0.5, 2],
  ['2 ^ x', (x) => ops.pow(2, x), (x) => 2 ** x],
];

const binary: [name: string, work: (x: Tensor, y: Tensor) => Tensor, exact: (x: number, y: number) => number][] = [
  ['add', (x, y) => x.add(y), (x, y) => x + y],
  ['sub', (x, y) => x.sub(y), (x, y) => x - y],
  ['mul', (x, y) => x.mul(y), (x, y) => x * y],
  ['div', (x, y) => x.div(y), (x, y) => x / y],
  ['pow', (x, y) => x.pow(y), (x, y) => x ** y],
  ['maximum', (x, y) => x.maximum(y), Math.max],
  ['minimum', (x, y) => x.minimum(y), Math.min],
  ['where', (x, y) => ops.where(x.gt(1.4), x, y), (x, y) => (x > 1.4 ? x : y)],
];

const comparisons: [name: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge', exact: (x: number, y: number) => boolean][] = [
  ['eq', (x, y) => x === y],
  ['ne', (x, y) => x !== y],
  ['lt', (x, y) => x < y],
  ['le', (x, y) => x <= y],
  ['gt', (x, y) => x > y],
  ['ge', (x, y) => x >= y],
];

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;
  // Differences need smoothness within their step: elements near a kink are moved off it.
  const offKinks = (values: Float32Array<ArrayBuffer>, kinks: readonly number[]) =>
    values.map((value) => (kinks.some((kink) => Math.abs(value - kink) < 0.12) ? value + 0.25 : value));

  for (const [name, work, exact, low, high] of unary)
    test(`${on}: ${name} is right, and so is its gradient`, () =>
      leavesNothing(device, async () => {
        const values = sampleValues(37, 1, low, high);
        assert.is(differs(await work(tensor(values, { device })).read(), values.map(exact), 1e-5), undefined);
        const smooth = offKinks(sampleValues(6, 2, low, high), [0, -1.03, 0.77]);
        assert.is(await gradcheck(work, [tensor(smooth, { device, requiresGrad: true })]), undefined);
      }));

  for (const [name, work, exact] of binary)
    test(`${on}: ${name} is right over broadcast and transposed operands, and so are its gradients`, () =>
      leavesNothing(device, async () => {
        const [a, b] = [sampleValues(15, 3, 0.5, 2), sampleValues(5, 4, 0.5, 2)];
        const [x, y] = [tensor(a, { device, shape: [5, 3] }), tensor(b, { device, shape: [5] })];
        const expected = Float32Array.from({ length: 15 }, (_, i) => exact(a[(i % 5) * 3 + Math.floor(i / 5)], b[i % 5]));
        assert.is(differs(await work(x.transpose(), y).read(), expected, 1e-5), undefined);
        const p = tensor([[0.6, 1.9]], { device, requiresGrad: true });
        const q = tensor([[1.2], [0.8], [1.6]], { device, requiresGrad: true });
        assert.is(await gradcheck(work, [p, q]), undefined);
      }));

  test(`${on}: comparisons give bools, which and, or, not join`, () =>
    leavesNothing(device, async () => {
      const [a, b] = [
        [1, 2, 3, 2],
        [2, 2, 1, 5],
      ];
      const [x, y] = [tensor(a, { device }), tensor(b, { device })];
      for (const [name, exact] of comparisons) {
        const result = x[name](y);
        assert.is(result.dtype, 'bool');
        assert.equal(
          [...(await result.read())],
          a.map((value, i) => Number(exact(value, b[i]))),
          name,
        );
      }
      assert.equal([...(await x.lt(y).and(x.eq(2)).read())], [0, 0, 0, 1]);
      assert.equal([...(await x.lt(y).or(x.gt(y).not()).read())], [1, 1, 0, 1]);
    }));

  test(`${on}: whole numbers stay whole, casts change the dtype`, () =>
    leavesNothing(device, async () => {
      const x = tensor(Int32Array.of(-3, 0, 2_000_000_011), { device });
      assert.equal([...(await x.add(1).read())], [-2, 1, 2_000_000_012]);
      assert.equal([...(await x.sub(x).eq(0).read())], [1, 1, 1]);
      assert.equal([...(await x.cast('bool').read())], [1, 0, 1]);
      assert.equal([...(await tensor([-1.9, 0.5, 7.99], { device }).cast('i32').read())], [-1, 0, 7]);
      assert.equal([...(await tensor([true, false], { device }).cast('f32').read())], [1, 0]);
    }));

  test(`${on}: ties share a gradient, kinks have PyTorch's`, () =>
    leavesNothing(device, async () => {
      const [x, y] = [tensor([1, 0], { device, requiresGrad: true }), tensor([1, 3], { device, requiresGrad: true })];
      x.maximum(y).sum().backward();
      assert.equal([...(await x.grad!.read())], [0.5, 0]);
      assert.equal([...(await y.grad!.read())], [0.5, 1]);
      const z = tensor([0, -1, 2], { device, requiresGrad: true });
      z.relu().add(z.abs()).add(z.clip(-1, 2)).sum().backward();
      assert.equal([...(await z.grad!.read())], [1, 0, 3]);
    }));

  test(`${on}: what does not fit is refused with its shapes, dtypes and remedy`, () =>
    leavesNothing(device, () => {
      const x = tensor([[1, 2, 3]], { device });
      refuses(() => x.add(tensor([1, 2], { device })), 'add: shapes [1,3] and [2] do not broadcast: axis 1 has 3 and 2');
      refuses(() => x.add(tensor(Int32Array.of(1), { device })), 'add: operands are f32 and i32, expected one dtype; cast one of them');
      refuses(() => tensor(Int32Array.of(1), { device }).mul(0.5), 'mul: 0.5 is not a whole number, but the tensor is i32; cast it to f32');
      refuses(() => x.eq(x).exp(), /^exp: cannot take \(bool\[1,3\]\): exp of \(bool\), expected f32; cast/);
      refuses(() => ops.add(1, 2), 'add: needs at least one tensor, got (1, 2)');
    }));
}

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing, sampleValues } from '../each-device.ts';
import { gradcheck } from '../gradcheck.ts';
import { refuses } from '../refuses.ts';
import { transposeMatrix } from './shape.ts';

/** [m, k] · [k, n] in float64. */
const product = (a: ArrayLike<number>, b: ArrayLike<number>, m: number, k: number, n: number): number[] =>
  Array.from({ length: m * n }, (_, i) => {
    let sum = 0;
    for (let p = 0; p < k; p++) sum += a[Math.floor(i / n) * k + p] * b[p * n + (i % n)];
    return sum;
  });

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;
  const values = (count: number, seed: number) => sampleValues(count, seed);

  test(`${on}: a product is right however its operands lie`, () =>
    leavesNothing(device, async () => {
      for (const [m, k, n] of [
        [1, 1, 1],
        [5, 7, 3],
        [1, 13, 6],
        [17, 2, 1],
      ]) {
        const [a, b] = [values(m * k, 1), values(k * n, 2)];
        const [x, y] = [tensor(a, { device, shape: [m, k] }), tensor(b, { device, shape: [k, n] })];
        const [tx, ty] = [
          x
            .transpose()
            .reshape(k * m)
            .reshape(k, m)
            .transpose(),
          y.transpose().add(0).transpose(),
        ];
        const wide = tensor(values(m * (k + 2), 3), { device, shape: [m, k + 2] }).slice([], [1, k + 1]);
        const expected = product(a, b, m, k, n);
        for (const left of [x, tx])
          for (const right of [y, ty]) {
            assert.is(differs(await left.matmul(right).read(), expected, 1e-5), undefined);
            assert.is(differs(await left.matmul(right.transpose(), { transposeB: true }).read(), expected, 1e-5), undefined);
          }
        assert.is(differs(await wide.matmul(y).read(), product(await wide.read(), b, m, k, n), 1e-5), undefined);
      }
    }));

  test(`${on}: leading axes broadcast, vectors are a row or a column`, () =>
    leavesNothing(device, async () => {
      const [a, b] = [values(2 * 3 * 4, 1), values(4 * 5, 2)];
      const [x, y] = [tensor(a, { device, shape: [2, 3, 4] }), tensor(b, { device, shape: [4, 5] })];
      const expected = product(a, b, 6, 4, 5);
      const result = x.matmul(y);
      assert.equal(result.shape, [2, 3, 5]);
      assert.is(differs(await result.read(), expected, 1e-5), undefined);
      assert.is(differs(await x.matmul(y.reshape(1, 4, 5)).read(), expected, 1e-5), undefined);
      const row = x.slice([0, 1], [1, 2]).reshape(4);
      assert.equal(row.matmul(y).shape, [5]);
      assert.is(differs(await row.matmul(y).read(), expected.slice(5, 10), 1e-5), undefined);
      assert.equal(x.matmul(row).shape, [2, 3]);
      const turned = y.transpose().clone();
      assert.is(differs(await x.matmul(turned, { transposeB: true }).read(), expected, 1e-5), undefined);
      assert.is(differs(await x.matmul(turned.reshape(1, 5, 4), { transposeB: true }).read(), expected, 1e-5), undefined);
      assert.is(differs(await row.matmul(turned, { transposeB: true }).read(), expected.slice(5, 10), 1e-5), undefined);
    }));

  test(`${on}: bias and ReLU come with the product`, () =>
    leavesNothing(device, async () => {
      const [a, b, c] = [values(6, 1), values(8, 2), values(4, 3)];
      const [x, y, bias] = [tensor(a, { device, shape: [3, 2] }), tensor(b, { device, shape: [2, 4] }), tensor(c, { device })];
      const expected = product(a, b, 3, 2, 4).map((value, i) => Math.max(0, value + c[i % 4]));
      assert.is(differs(await x.matmul(y, { bias, relu: true }).read(), expected, 1e-5), undefined);
    }));

  test(`${on}: gradients agree with differences`, () =>
    leavesNothing(device, async () => {
      const make = (shape: number[], seed: number) =>
        tensor(
          values(
            shape.reduce((p, s) => p * s, 1),
            seed,
          ),
          { device, shape, requiresGrad: true },
        );
      const [x, y, bias] = [make([2, 3], 1), make([3, 2], 2), make([2], 3)];
      assert.is(await gradcheck((a, b, c) => a.matmul(b, { bias: c }), [x, y, bias]), undefined);
      assert.is(await gradcheck((a, b) => transposeMatrix(b).matmul(transposeMatrix(a)), [x, y]), undefined);
      assert.is(await gradcheck((a, b) => a.matmul(b), [make([2, 1, 2], 4), make([1, 2, 2], 5)]), undefined);
      assert.is(await gradcheck((a, b) => a.matmul(b), [make([2, 2, 2], 6), make([2], 7)]), undefined);
      assert.is(await gradcheck((a, b) => a.matmul(b, { transposeB: true }), [make([2, 1, 3], 4), make([1, 2, 3], 5)]), undefined);
      const stored = make([2, 3], 8);
      assert.is(await gradcheck((a, b, c) => a.matmul(b, { transposeB: true, bias: c }), [x, stored, bias]), undefined);
      x.matmul(stored, { transposeB: true }).sum().backward();
      assert.ok(stored.grad!.layout.dense, 'the gradient lies as the operand does');
      // A bias that keeps every output well above or below 0, where ReLU is smooth.
      const far = tensor([9, -9], { device, requiresGrad: true });
      assert.is(await gradcheck((a, b, c) => a.matmul(b, { bias: c, relu: true }), [x, y, far]), undefined);
    }));

  test(`${on}: what cannot be multiplied is named with its shapes`, () =>
    leavesNothing(device, () => {
      const make = (...shape: number[]) =>
        tensor(
          values(
            shape.reduce((p, s) => p * s, 1),
            1,
          ),
          { device, shape },
        );
      refuses(
        () => make(2, 3).matmul(make(2, 3)),
        'matmul: f32[2,3] by f32[2,3]: rows have 3 elements, columns 2; expected [.., M, K] by [.., K, N]',
      );
      refuses(
        () => make(2, 3).matmul(make(3, 2), { transposeB: true }),
        'matmul: f32[2,3] by f32[2,3] (transposed): rows have 3 elements, columns 2; expected [.., M, K] by [.., K, N]',
      );
      refuses(
        () => make(2, 3).matmul(make(3), { transposeB: true }),
        'matmul: f32[3] is a vector, which transposeB cannot turn; leave it out',
      );
      refuses(() => make(2, 2, 3).matmul(make(3, 3, 1)), 'matmul: shapes [2] and [3] do not broadcast: axis 0 has 2 and 3');
      refuses(() => make(2, 3).matmul(make(3, 4), { bias: make(3) }), 'matmul: bias is f32[3], expected f32[4], one element a column');
      refuses(() => make(2, 2).matmul(make(2, 2).cast('i32')), /cannot multiply f32\[2,2\] by i32\[2,2\]/);
    }));
}

test.run();

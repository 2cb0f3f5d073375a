import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing, sampleValues } from '../each-device.ts';
import { gradcheck } from '../gradcheck.ts';
import { refuses } from '../refuses.ts';
import type { Axes } from './reduce.ts';

const SHAPE = [3, 5, 7] as const;
const AXES: readonly (Axes | undefined)[] = [undefined, 0, 1, -1, [0, 1], [1, 2], [0, 2], [0, 1, 2]];

/** The elements that fold into each output element, in row-major order, by plain loops. */
function groups(values: ArrayLike<number>, axes: readonly number[]): number[][] {
  const found = new Map<number, number[]>();
  for (let i = 0; i < values.length; i++) {
    const index = [Math.floor(i / 35), Math.floor(i / 7) % 5, i % 7];
    const place = index.reduce((sum, at, axis) => (axes.includes(axis) ? sum : sum * SHAPE[axis] + at), 0);
    found.set(place, [...(found.get(place) ?? []), values[i]]);
  }
  return [...found.entries()].sort(([a], [b]) => a - b).map(([, group]) => group);
}

const exact = {
  sum: (group: number[]) => group.reduce((total, value) => total + value, 0),
  mean: (group: number[]) => group.reduce((total, value) => total + value, 0) / group.length,
  max: (group: number[]) => Math.max(...group),
  min: (group: number[]) => Math.min(...group),
} as const;

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;

  for (const name of ['sum', 'mean', 'max', 'min'] as const)
    test(`${on}: ${name} over any axes is right, of views too`, () =>
      leavesNothing(device, async () => {
        const values = sampleValues(105, 1);
        const x = tensor(values, { device, shape: SHAPE });
        // Transposed twice over: the same elements, lying otherwise.
        const view = tensor(values, { device, shape: SHAPE }).transpose(2, 1, 0);
        for (const axes of AXES) {
          const all = axes === undefined ? [0, 1, 2] : [axes].flat().map((axis) => (axis + 3) % 3);
          const expected = groups(values, all).map(exact[name]);
          assert.is(differs(await x[name](axes).read(), expected, 1e-5), undefined, `axes ${axes}`);
          if (all.length !== 2) {
            const mirrored = all.map((axis) => 2 - axis);
            const result = all.length === 3 ? view[name](mirrored) : view[name](mirrored).transpose();
            assert.is(differs(await result.read(), expected, 1e-5), undefined, `view, axes ${axes}`);
          }
        }
      }));

  test(`${on}: axes apart from each other are folded one run after another, axes of size 1 with either`, () =>
    leavesNothing(device, async () => {
      const values = sampleValues(48, 2);
      const x = tensor(values, { device, shape: [2, 1, 3, 2, 4] });
      const expected = [0, 1, 2].flatMap((i) =>
        [0, 1, 2, 3].map((j) => exact.sum([0, 1].flatMap((a) => [0, 1].map((b) => values[24 * a + 8 * i + 4 * b + j])))),
      );
      for (const axes of [
        [0, 3],
        [0, 1, 3],
      ])
        assert.is(differs(await x.sum(axes).read(), expected, 1e-5), undefined, `axes ${axes}`);
      assert.is(differs(await x.mean([0, 2, 4]).read(), await x.mean([2, 4]).mean(0).read(), 1e-5), undefined);
      const counts = await x.gt(0).sum([0, 2]).read();
      assert.equal([...counts], [...(await x.gt(0).cast('i32').sum(2).sum(0).read())]);
    }));

  test(`${on}: gradients of reductions agree with differences`, () =>
    leavesNothing(device, async () => {
      const x = tensor(
        [
          [0.5, -1.2, 2],
          [1.6, 0.1, -0.4],
        ],
        { device, requiresGrad: true },
      );
      for (const axes of [undefined, 0, 1] as const)
        for (const name of ['sum', 'mean', 'max', 'min'] as const)
          assert.is(await gradcheck((each) => each[name](axes), [x]), undefined, `${name} over ${axes}`);
      assert.is(await gradcheck((each) => each.div(each.square().sum(1, { keepDims: true })), [x]), undefined);
    }));

  test(`${on}: equal largest elements share the gradient`, () =>
    leavesNothing(device, async () => {
      const x = tensor([2, 1, 2, 2], { device, requiresGrad: true });
      x.max().mul(3).backward();
      assert.is(differs(await x.grad!.read(), [1, 0, 1, 1], 1e-6), undefined);
    }));

  test(`${on}: argmax and argmin give the first index, as i32`, () =>
    leavesNothing(device, async () => {
      const x = tensor(
        [
          [3, 9, 9],
          [4, -1, 0],
        ],
        { device },
      );
      const largest = x.argmax(1);
      assert.is(largest.dtype, 'i32');
      assert.equal([...(await largest.read())], [1, 0]);
      assert.equal([...(await x.argmin(0).read())], [0, 1, 1]);
      assert.equal([...(await x.argmax(-1, { keepDims: true }).read())], [1, 0]);
      assert.is(await x.argmin().item(), 4);
      const values = sampleValues(105, 3);
      const cube = tensor(values, { device, shape: SHAPE });
      for (const axes of AXES) {
        const all = axes === undefined ? [0, 1, 2] : [axes].flat().map((axis) => (axis + 3) % 3);
        const found = groups(values, all);
        const first = (group: number[], extreme: (...values: number[]) => number) => group.indexOf(extreme(...group));
        assert.equal(
          [...(await cube.argmax(axes).read())],
          found.map((group) => first(group, Math.max)),
          `argmax, axes ${axes}`,
        );
        const kept = cube.argmin(axes, { keepDims: true });
        assert.equal(
          kept.shape,
          SHAPE.map((size, axis) => (all.includes(axis) ? 1 : size)),
        );
        assert.equal(
          [...(await kept.read())],
          found.map((group) => first(group, Math.min)),
          `argmin, axes ${axes}`,
        );
      }
    }));

  test(`${on}: bools are counted, whole numbers add up`, () =>
    leavesNothing(device, async () => {
      const x = tensor([[1, -2, 3]], { device });
      assert.is(await x.gt(0).sum().item(), 2);
      assert.is(await tensor(Int32Array.of(1_000_000_007, -7), { device }).sum().item(), 1_000_000_000);
    }));

  test(`${on}: axes that are not there, or named twice, are refused`, () =>
    leavesNothing(device, () => {
      const x = tensor([[1, 2]], { device });
      refuses(() => x.sum(2), 'sum: axis is 2, expected a whole number from -2 to 1');
      refuses(() => x.sum([0, -2]), 'sum: axes [0,-2] name an axis twice');
      refuses(() => tensor(Int32Array.of(1), { device }).mean(), 'mean: of i32[1], expected f32; cast it');
    }));
}

test.run();

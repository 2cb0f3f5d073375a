import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exactLosses, firstLosses } from './net.ts';
import { flopsOf, type Layer, parametersOf, shapesOf, type Training, trainingData } from './training.ts';

const linear = (inputs: number, outputs: number, bias = true): Layer => ({ kind: 'linear', inputs, outputs, bias });
const dense: Training = {
  example: [5],
  batch: 7,
  layers: [linear(5, 4), { kind: 'relu' }, linear(4, 3, false)],
  loss: 'mse',
  rate: 1,
  distinct: 7,
};
const convolutional: Training = {
  example: [2, 7, 8],
  batch: 3,
  layers: [
    { kind: 'conv2d', inputs: 2, outputs: 3, window: 2, padding: 0 },
    { kind: 'relu' },
    { kind: 'conv2d', inputs: 3, outputs: 2, window: 3, padding: 1 },
    { kind: 'maxPool2d', window: 2 },
    { kind: 'flatten' },
    linear(18, 4),
  ],
  loss: 'crossEntropy',
  rate: 1,
  distinct: 3,
};

for (const [name, training] of Object.entries({ dense, convolutional }))
  test(`${name}: a step goes against the central differences of the loss`, () => {
    const data = trainingData(training, 3);
    const lossAt = (moved: Record<string, Float32Array<ArrayBuffer>>) => exactLosses(training, { ...data, ...moved }, [data]).next().value!;
    // Moving by -rate · g makes the loss fall by rate |g|², where the length of g is known from differences of the loss.
    const squares = parametersOf(training).reduce((total, { name: parameter }) => {
      const values = data[parameter];
      return [...values.keys()].reduce((sum, i) => {
        const h = 2 ** -10;
        const at = (change: number) => lossAt({ [parameter]: values.with(i, values[i] + change) as Float32Array<ArrayBuffer> });
        return sum + ((at(h) - at(-h)) / (2 * h)) ** 2;
      }, total);
    }, 0);
    const rate = 1e-5;
    const [before, after] = firstLosses({ ...training, rate }, data, 2);
    assert.ok(squares > 1e-4);
    assert.ok(Math.abs((before - after) / rate / squares - 1) < 2e-3, `fell by ${(before - after) / rate}, gradients say ${squares}`);
  });

test('examples that repeat are computed once and count as often', () => {
  const short: Training = { ...dense, distinct: 3 };
  const data = trainingData(short, 5);
  assert.equal(data.x.subarray(0, 5), data.x.subarray(15, 20));
  const [once, each] = [firstLosses(short, data, 6), firstLosses({ ...short, distinct: 7 }, data, 6)];
  for (const [i, loss] of once.entries()) assert.ok(Math.abs(loss - each[i]) < 1e-14 * loss);
  assert.ok(once[5] < once[0]);
});

test('shapes follow from the layers, classes are whole numbers, and operations are counted', () => {
  assert.equal(shapesOf(convolutional), {
    x: [3, 2, 7, 8],
    y: [3],
    '0.weight': [3, 2, 2, 2],
    '0.bias': [3],
    '2.weight': [2, 3, 3, 3],
    '2.bias': [2],
    '5.weight': [18, 4],
    '5.bias': [4],
  });
  const { y } = trainingData(convolutional, 1);
  assert.ok(y.every((label) => Number.isInteger(label) && label >= 0 && label < 4));
  assert.is(flopsOf(dense), 2 * 7 * (2 * 5 * 4 + 3 * 4 * 3));
  assert.is(flopsOf(convolutional), 2 * 3 * (2 * 3 * 6 * 7 * 8 + 3 * 2 * 6 * 7 * 27 + 3 * 4 * 18));
});

test.run();

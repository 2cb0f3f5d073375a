// The zoo's nets against PyTorch's, made once by fixtures/make.py, eager and as graphs.

import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Device, openDevice } from '../../kernels/index.ts';
import { randomValues } from '../../kernels/random.ts';
import { tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing } from '../each-device.ts';
import { gradients, placeholder, Session } from '../graph/index.ts';
import { inGraph, type Sequential } from '../nn/index.ts';
import { mul, sum } from '../ops/index.ts';
import { refuses } from '../refuses.ts';
import { type Shape, sizeOf } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { alexnet, nets, resnet18 } from './index.ts';

interface Case {
  readonly name: string;
  readonly training: boolean;
  readonly output: readonly number[];
  /** Of each parameter: its gradient times random numbers, and its norm. */
  readonly gradients: readonly (readonly [number, number])[];
}
const cases = JSON.parse(readFileSync(new URL('./fixtures/torch.json', import.meta.url), 'utf8')) as Case[];

const [BATCH, SIZE, CLASSES] = [3, 64, 10];
const input: Shape = [BATCH, 3, SIZE, SIZE];
const image = randomValues(sizeOf(input), 1000);
const upstream = randomValues(BATCH * CLASSES, 1001);

/** Outputs differ from float64 by at most this, relative above 1; gradients of nets that normalise by a small batch's statistics by more. */
const [TOLERANCE, GRADIENT_TOLERANCE] = [2e-4, 5e-3];

/** Scale and middle of each tensor's random numbers, as fixtures/make.py has them. */
function valuesOf(path: string, shape: Shape, seed: number, isNorm: boolean): Float32Array<ArrayBuffer> {
  const [scale, middle] =
    shape.length > 1
      ? [Math.sqrt(6 / sizeOf(shape.slice(1))), 0]
      : path.endsWith('runningVariance')
        ? [0.5, 1]
        : isNorm && path.endsWith('weight')
          ? [0.25, 1]
          : [0.1, 0];
  return randomValues(sizeOf(shape), seed).map((value) => Math.fround(Math.fround(value * Math.fround(scale)) + middle));
}

/** A narrow net with the fixture's weights. */
function narrow({ name, training }: Pick<Case, 'name' | 'training'>, device: Device): Sequential {
  const net = nets[name]({ device, width: 1 / 16, size: SIZE, classes: CLASSES }).train(training);
  const state = net.stateDict();
  const isNorm = (path: string) => path.replace(/weight$/, 'runningMean') in state;
  const wanted = Object.entries(state).map(([path, { shape }], i) => {
    return [path, tensor(valuesOf(path, shape, i, isNorm(path)), { shape, device })];
  });
  net.loadStateDict(Object.fromEntries(wanted));
  return net;
}

/** What a gradient comes to: its product with random numbers. */
const product = (gradient: ArrayLike<number>, seed: number): number =>
  randomValues(gradient.length, seed).reduce((total, value, i) => total + value * gradient[i], 0);

function checkGradients(found: readonly (readonly [path: string, number])[], { gradients: expected }: Case): void {
  assert.is(found.length, expected.length);
  for (const [i, [path, value]] of found.entries()) {
    const [wanted, norm] = expected[i];
    assert.ok(
      Math.abs(value - wanted) <= GRADIENT_TOLERANCE * norm,
      `${path}: ${value}, expected ${wanted} within ${GRADIENT_TOLERANCE} of ${norm}`,
    );
  }
}

/** Paths of what has a gradient, each with its number in the state. */
const parametersOf = (state: Readonly<Record<string, Tensor>>) =>
  Object.entries(state).flatMap(([path, each], i) => (each.requiresGrad ? [{ path, seed: 2000 + i, each }] : []));

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;
  // A software adapter takes seconds for the deeper ones, which are made of the same layers.
  const here = cases.filter(({ name }) => on === 'cpu' || ['alexnet', 'resnet18'].includes(name));

  for (const each of here) {
    const title = `${on}: ${each.name}${each.training ? ' in training' : ''}`;

    test(`${title} computes what PyTorch computes, forward and back`, () =>
      leavesNothing(device, async () => {
        using net = narrow(each, device);
        const state = net.stateDict();
        const output = net.forward(tensor(image, { shape: input, device }));
        assert.is(differs(await output.read(), each.output, TOLERANCE), undefined);
        if (on !== 'cpu') return;
        output.backward(tensor(upstream, { shape: output.shape, device }));
        const found: [string, number][] = [];
        for (const { path, seed, each: parameter } of parametersOf(state)) found.push([path, product(await parameter.grad!.read(), seed)]);
        checkGradients(found, each);
      }));

    test(`${title} as a graph, with every rewrite`, () =>
      leavesNothing(device, async () => {
        using net = narrow(each, device);
        const x = placeholder(input, 'f32', 'image');
        const nodes = await inGraph(net, { share: true });
        const output = nodes.forward(x);
        await using session = new Session({ device });
        for (let run = 0; run < 2; run++)
          assert.is(differs((await session.run(output, [[x, image]])) as Float32Array, each.output, TOLERANCE), undefined);
        if (!each.training || on !== 'cpu') return;
        const weight = placeholder(output.shape, 'f32', 'upstream');
        const parameters = parametersOf(net.stateDict());
        const slopes = gradients(
          sum(mul(output, weight)),
          parameters.map(({ path }) => nodes.variables[path]),
        );
        const values = await session.run(slopes, [
          [x, image],
          [weight, upstream],
        ]);
        checkGradients(
          parameters.map(({ path, seed }, i) => [path, product(values[i] as Float32Array, seed)]),
          each,
        );
      }));
  }
}

const device = await openDevice('cpu');
test.after(() => device.close());

test('nets have the published numbers of parameters, and weights for each', () => {
  const published = { alexnet: 60_965_224, vgg16: 138_357_544, resnet18: 11_689_512, resnet34: 21_797_672, resnet50: 25_557_032 };
  for (const [name, count] of Object.entries(published)) {
    using net = nets[name]({ device });
    const parameters = net.parameters();
    assert.is(
      parameters.reduce((total, { size }) => total + size, 0),
      count,
      name,
    );
  }
});

test('making a net holds its weights and little else', () => {
  const before = device.memory().liveBytes;
  using net = alexnet({ device, width: 1 / 2 });
  const bytes = net.parameters().reduce((total, { size }) => total + 4 * size, 0);
  assert.ok(device.memory().liveBytes - before < bytes + 2 ** 20);
});

test('what no net can be is refused', () => {
  refuses(() => alexnet({ device, size: 62 }), 'alexnet: images are 62 pixels wide, expected at least 63');
  refuses(() => resnet18({ device, width: 0 }), 'zoo: width is 0, expected a number above 0');
});

test.run();

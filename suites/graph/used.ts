// A residual block of a net in use: y = relu(n2(relu(n1(x * w1)) * w2) + x), where n(v) = v · scale + shift by channel, as batch normalisation by running statistics
// comes to. Weights are constants; x [batch, channels, side, side] is data.

import { add, conv2d, graph, mul, relu, scope, tensor } from '../../framework/index.ts';
import type { Value } from '../../framework/op.ts';
import { type Shape, sizeOf } from '../../framework/shape.ts';
import type { Work } from '../../harness/suite.ts';
import { conv2d as convolution } from '../../kernels/problem.ts';
import { randomValues } from '../../kernels/random.ts';
import { conv2dReference } from '../../kernels/references/conv2d.ts';
import { factsOf, openAt, type Place } from './place.ts';
import { rewritesOf } from './rewritten.ts';

export interface BlockSizes {
  readonly batch: number;
  readonly channels: number;
  readonly side: number;
}

const BOUND = 1e-4;
const NAMES = ['x', 'w1', 'scale1', 'shift1', 'w2', 'scale2', 'shift2'] as const;
type Name = (typeof NAMES)[number];
type Data = Readonly<Record<Name, Float32Array<ArrayBuffer>>>;

function shapesOf({ batch, channels, side }: BlockSizes): Readonly<Record<Name, Shape>> {
  const [filter, each] = [
    [channels, channels, 3, 3],
    [channels, 1, 1],
  ];
  return { x: [batch, channels, side, side], w1: filter, scale1: each, shift1: each, w2: filter, scale2: each, shift2: each };
}

const dataOf = (sizes: BlockSizes, seed: number): Data => {
  const draw = (name: Name, i: number) => {
    const values = randomValues(sizeOf(shapesOf(sizes)[name]), seed + i);
    return name.startsWith('w') ? values.map((value) => value / Math.sqrt(9 * sizes.channels)) : values;
  };
  return Object.fromEntries(NAMES.map((name, i) => [name, draw(name, i)])) as unknown as Data;
};

const normed = <V extends Value>(v: V, scale: V, shift: V): V => add<V>(mul<V>(v, scale), shift);

function block<V extends Value>({ x, w1, scale1, shift1, w2, scale2, shift2 }: Record<Name, V>): V {
  const inner = relu<V>(normed(conv2d(x, w1, { padding: 1 }), scale1, shift1));
  return relu<V>(add<V>(normed(conv2d(inner, w2, { padding: 1 }), scale2, shift2), x));
}

/** The block in float64. */
function exact(sizes: BlockSizes, data: Data): Float64Array {
  const shapes = shapesOf(sizes);
  const problem = convolution({ input: shapes.x, filter: shapes.w1, padding: 1 });
  const plane = sizes.side ** 2;
  const normedBy = (values: Float64Array, scale: Float32Array, shift: Float32Array) =>
    values.map((value, at) => {
      const channel = Math.floor(at / plane) % sizes.channels;
      return value * scale[channel] + shift[channel];
    });
  const convolved = (input: ArrayLike<number>, filter: Float32Array) => conv2dReference(problem, { input, filter }).values;
  const inner = normedBy(convolved(data.x, data.w1), data.scale1, data.shift1).map((value) => Math.max(value, 0));
  return normedBy(convolved(inner, data.w2), data.scale2, data.shift2).map((value, at) => Math.max(value + data.x[at], 0));
}

function complaint(found: ArrayLike<number>, expected: Float64Array): string | undefined {
  const at = expected.findIndex((value, i) => !(Math.abs(found[i] - value) <= BOUND * Math.max(1, Math.abs(value))));
  return at < 0 ? undefined : `element ${at} is ${found[at]}, expected ${expected[at]} within ${BOUND}`;
}

/** The block once a call, in a form; y stays on the device. */
export async function usedIn(form: string, sizes: BlockSizes, place: Place, seed: number): Promise<Work> {
  const device = await openAt(place);
  const [data, shapes] = [dataOf(sizes, seed), shapesOf(sizes)];
  const named = <T>(make: (name: Name) => T) => Object.fromEntries(NAMES.map((name) => [name, make(name)])) as Record<Name, T>;
  if (form === 'eager') {
    const values = named((name) => tensor(data[name], { device, shape: shapes[name] }));
    const run = () => scope(() => void block(values));
    return {
      run,
      settle: () => device.sync(),
      verify: () => scope(async () => complaint(await block(values).read(), exact(sizes, data))),
      facts: () => factsOf(device, run),
      close: () => device.close(),
    };
  }
  const nodes = named((name) => (name === 'x' ? graph.variable : graph.constant)(data[name], name, { shape: shapes[name] }));
  const y = block(nodes);
  const work = graph.group(y);
  const session = new graph.Session({ device, rewrites: rewritesOf(form) });
  await session.prepare(work);
  const run = () => session.run(work);
  return {
    run,
    verify: async () => complaint((await session.run(y)) as Float32Array, exact(sizes, data)),
    facts: () => factsOf(device, run, () => session.report()),
    async close() {
      await session.close();
      await device.close();
    },
  };
}

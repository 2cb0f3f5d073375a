import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { devicesForTests, differs, leavesNothing, sampleValues } from '../each-device.ts';
import { conv2d } from '../ops/conv.ts';
import { batchNorm } from '../ops/norm.ts';
import { add, div, mul, relu, sub, tanh } from '../ops/pointwise.ts';
import { maxPool2d } from '../ops/pool.ts';
import { sum } from '../ops/reduce.ts';
import { type Shape, sizeOf } from '../shape.ts';
import { gradients } from './gradients.ts';
import { constant, type GraphNode, placeholder, variable } from './node.ts';
import { REWRITES, type Rewrite } from './rewrite.ts';
import { Session } from './session.ts';

const BOUND = 2e-5;
const image: Shape = [2, 3, 5, 4];
const only = (...on: readonly Rewrite[]) => Object.fromEntries(REWRITES.map((name) => [name, on.includes(name)]));
const made = (hold: typeof constant, shape: Shape, seed: number, low?: number) =>
  hold(sampleValues(sizeOf(shape), seed, low), undefined, { shape });

const x = placeholder(image, 'f32', 'x');
const w = made(constant, [6, 3, 3, 3], 1);
const [s, t, bias] = [2, 3, 4].map((seed) => made(constant, [6], seed));
const byChannel = (value: GraphNode) => constant(sampleValues(6, value.id), undefined, { shape: [1, 6, 1, 1] });
const window = { padding: 1 };
const plain = () => conv2d(x, w, window);

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;

  /** Kernels and counts of some rewrites, whose result must be that of none. */
  async function same(fetches: readonly GraphNode[], rewrites: Partial<Record<Rewrite, boolean>>) {
    const feeds = [[x, sampleValues(sizeOf(image), 5)]] as const;
    const kernels: string[] = [];
    let counts: [number, number] = [0, 0];
    await leavesNothing(device, async () => {
      await using expected = new Session({ device, rewrites: only() });
      await using session = new Session({ device, rewrites });
      const wanted = await expected.run(fetches, feeds);
      for (let run = 0; run < 2; run++) {
        const found = await session.run(fetches, feeds);
        for (const [i, values] of found.entries()) {
          const [a, b] = [values, wanted[i]].map((each) => (typeof each === 'number' ? [each] : (each as Float32Array)));
          assert.is(differs(a, b, BOUND), undefined);
        }
      }
      const report = session.report();
      kernels.push(...report.kernels.map(({ kernel }) => kernel.split('/')[0]));
      counts = [report.rewrites.convolutionScale, report.rewrites.convolutionEpilogue];
    });
    return { kernels, counts };
  }

  test(`${on}: batch normalisation of a net in use moves into the filter and the bias`, async () => {
    const variance = made(constant, [6], 7, 0.5);
    for (const convolution of [plain(), conv2d(x, w, { ...window, bias })]) {
      const normed = relu(batchNorm(convolution, t, variance, { weight: s, bias }));
      assert.equal(await same([normed], {}), { kernels: ['conv2d'], counts: [4, 1] });
    }
  });

  test(`${on}: every scale and shift moves alone, from either side where that is the same`, async () => {
    const shifts = [(c: GraphNode) => add(c, byChannel(s)), (c: GraphNode) => add(byChannel(s), c), (c: GraphNode) => sub(c, byChannel(s))];
    const scales = [(c: GraphNode) => mul(c, byChannel(s)), (c: GraphNode) => mul(byChannel(s), c), (c: GraphNode) => div(c, byChannel(s))];
    for (const step of [...shifts, ...scales])
      assert.equal(await same([step(plain())], only('convolutionScale', 'constantFolding')), { kernels: ['conv2d'], counts: [1, 0] });
    const chain = scales.reduce((value, step) => step(value), conv2d(x, w, { ...window, bias }));
    assert.equal(await same([chain], {}), { kernels: ['conv2d'], counts: [3, 0] });
  });

  test(`${on}: what is no constant by channel stays where it is`, async () => {
    const learned = made(variable, [6, 1, 1], 8);
    const across = made(constant, [5, 4], 9);
    const stay = [
      mul(plain(), learned),
      mul(conv2d(x, made(variable, [6, 3, 3, 3], 1), window), byChannel(s)),
      mul(plain(), across),
      div(byChannel(s), plain()),
      sub(byChannel(s), plain()),
      mul(conv2d(x, w, { ...window, relu: true }), byChannel(s)),
    ];
    for (const node of stay) assert.equal((await same([node], {})).counts, [0, 0]);
    const shared = plain();
    assert.equal((await same([mul(shared, byChannel(s)), shared], {})).counts, [0, 0]);
  });

  test(`${on}: a residual block is its convolutions, whichever branch the shortcut is`, async () => {
    const block = relu(add(conv2d(relu(plain()), made(constant, [6, 6, 3, 3], 10), window), conv2d(x, made(constant, [6, 3, 1, 1], 11))));
    assert.equal(await same([block], {}), { kernels: ['conv2d', 'conv2d', 'conv2d'], counts: [0, 3] });
    const pooled = maxPool2d(x, 1);
    const identity = relu(add(pooled, conv2d(pooled, made(constant, [3, 3, 3, 3], 12), window)));
    assert.equal(await same([identity], {}), { kernels: ['pool2d', 'conv2d'], counts: [0, 2] });
    // A second residual, and what comes after ReLU, are another kernel's.
    const more = tanh(add(add(plain(), made(constant, [2, 6, 5, 4], 13)), made(constant, [2, 6, 5, 4], 14)));
    assert.equal(await same([more], {}), { kernels: ['conv2d', 'pointwise'], counts: [0, 1] });
    const twice = plain();
    assert.equal((await same([add(twice, twice)], {})).counts, [0, 0]);
  });

  test(`${on}: launches that run in turn share their workspace`, () =>
    leavesNothing(device, async () => {
      const start = placeholder([1, 16, 12, 12], 'f32', 'start');
      const bytesOf = async (depth: number) => {
        await using session = new Session({ device });
        const filters = Array.from({ length: depth }, (_, i) => made(variable, [16, 16, 3, 3], i));
        await session.run(
          filters.reduce((value, filter) => conv2d(value, filter, window), start),
          [[start, sampleValues(sizeOf(start.shape), 1)]],
        );
        return session.report().planBytes;
      };
      assert.is(await bytesOf(3), await bytesOf(6));
    }));

  test(`${on}: gradients go through what was moved`, async () => {
    const [filter, learned] = [made(variable, [6, 3, 3, 3], 1), made(variable, [6, 1, 1], 8)];
    const block = relu(add(add(conv2d(x, filter, window), learned), conv2d(x, made(constant, [6, 3, 1, 1], 11))));
    const { counts } = await same([block, ...gradients(sum(mul(block, block)), [filter, learned, x])], {});
    assert.equal(counts, [0, 3]);
  });
}

test.run();

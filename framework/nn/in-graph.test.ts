import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing, sampleValues } from '../each-device.ts';
import { constant, type Fetch, GradientDescent, gradients, group, load, placeholder, Session, save, variable } from '../graph/index.ts';
import { launchesOf } from '../launches.ts';
import { mseLoss } from '../ops/softmax.ts';
import { Sgd } from '../optim/index.ts';
import { refuses } from '../refuses.ts';
import type { Tensor } from '../tensor.ts';
import { update, updateOp } from '../update.ts';
import { BatchNorm2d, Conv2d, Dropout, Flatten, inGraph, Linear, LstmCell, Module, Sequential } from './index.ts';

const devices = await devicesForTests();
for (const device of devices) {
  test.after(() => device.close());
  const on = device.kind;

  /** A part of its own form, with one weight used twice. */
  class Net extends Module {
    readonly body = new Sequential(new Conv2d(2, 3, 3, { device, padding: 1, relu: true }), new BatchNorm2d(3, { device }), new Flatten());
    readonly head = new Linear(27, 2, { device, seed: 1 });
    readonly list = [this.head];
    forward(x: Tensor): Tensor {
      return this.head.forward(this.body.forward(x)).mul(2).add(this.list[0].bias!);
    }
  }

  test(`${on}: a module's forward on nodes gives the outputs, gradients and running statistics of tensors`, () =>
    leavesNothing(device, async () => {
      using net = new Net();
      const [images, target] = [sampleValues(36, 1), sampleValues(4, 2)];
      const nodes = await inGraph(net);
      assert.is(nodes.variables['list.0.weight'], nodes.variables['head.weight']);
      assert.is(nodes.parameters.length, net.parameters().length);
      const [x, y] = [placeholder([2, 2, 3, 3]), placeholder([2, 2])];
      const output = nodes.forward(x);
      const slopes = gradients(mseLoss(output, y), nodes.parameters);
      net.eval();
      const used = nodes.forward(x);
      await using session = new Session({ device });
      const feeds: [typeof x, Float32Array<ArrayBuffer>][] = [
        [x, images],
        [y, target],
      ];
      const [first, , ...found] = await session.run([output, nodes.updates(), ...slopes], feeds);
      const after = await session.run(used, feeds);

      net.train();
      const input = tensor(images, { device, shape: [2, 2, 3, 3] });
      const result = net.forward(input);
      mseLoss(result, tensor(target, { device, shape: [2, 2] })).backward();
      assert.is(differs(first as Float32Array, await result.read(), 1e-4), undefined);
      for (const [i, parameter] of net.parameters().entries())
        assert.is(differs(found[i] as Float32Array, await parameter.grad!.read(), 1e-4), undefined, `parameter ${i}`);
      assert.is(differs(after as Float32Array, await net.eval().forward(input).read(), 1e-4), undefined);
    }));

  test(`${on}: a graph that shares a module's tensors trains the module`, () =>
    leavesNothing(device, async () => {
      using eager = new Net();
      using shared = new Net();
      using optimizer = new Sgd(eager.parameters(), { lr: 0.1 });
      const [x, target] = [placeholder([2, 2, 3, 3]), sampleValues(4, 2)];
      const nodes = await inGraph(shared, { share: true });
      const loss = mseLoss(nodes.forward(x), constant(target, 'target', { shape: [2, 2] }));
      const step = group(new GradientDescent({ rate: 0.1 }).minimize(loss, nodes.parameters), nodes.updates());
      const y = tensor(target, { device, shape: [2, 2] });
      {
        await using session = new Session({ device });
        for (const seed of [1, 2, 3]) {
          const images = sampleValues(36, seed);
          const [found] = await session.run([loss, step], [[x, images]]);
          const expected = mseLoss(eager.forward(tensor(images, { device, shape: [2, 2, 3, 3] })), y);
          assert.is(differs([found as number], [await expected.item()], 1e-4), undefined);
          optimizer.zeroGrad();
          expected.backward();
          optimizer.step();
        }
      }
      const expected = eager.stateDict();
      for (const [path, each] of Object.entries(shared.stateDict()))
        assert.is(differs(await each.read(), await expected[path].read(), 1e-4), undefined, path);
    }));

  test(`${on}: a net in use that shares is made of constants, and what no session needs goes with the module`, () =>
    leavesNothing(device, async () => {
      const net = new Net().eval();
      const images = sampleValues(36, 1);
      const expected = await net.forward(tensor(images, { device, shape: [2, 2, 3, 3] })).read();
      const nodes = await inGraph(net, { share: true });
      assert.ok(Object.values(nodes.variables).every(({ definition }) => definition.kind === 'constant'));
      const x = placeholder([2, 2, 3, 3]);
      const output = nodes.forward(x);
      await using session = new Session({ device });
      for (let run = 0; run < 2; run++) {
        assert.is(differs((await session.run(output, [[x, images]])) as Float32Array, expected, 1e-5), undefined);
        net.dispose();
      }
    }));

  test(`${on}: a cell of several inputs and states runs on nodes`, () =>
    leavesNothing(device, async () => {
      using cell = new LstmCell(2, 3, { device });
      const nodes = await inGraph(cell);
      const [x, h, c] = [placeholder([1, 2]), placeholder([1, 3]), placeholder([1, 3])];
      const second = nodes.forward(x, nodes.forward(x, { hidden: h, cell: c }));
      await using session = new Session({ device });
      const [seen, known, kept] = [Float32Array.of(0.5, -1), Float32Array.of(0.1, 0.2, 0.3), Float32Array.of(1, -1, 0)];
      const hidden = await session.run(second.hidden, [
        [x, seen],
        [h, known],
        [c, kept],
      ]);
      const row = (values: Float32Array<ArrayBuffer>) => tensor(values, { device, shape: [1, values.length] });
      const [input, state] = [row(seen), { hidden: row(known), cell: row(kept) }];
      const expected = cell.forward(input, cell.forward(input, state)).hidden;
      assert.is(differs(hidden as Float32Array, await expected.read(), 1e-5), undefined);
    }));

  test(`${on}: a net in training, with what it changes, is saved and goes on the same without its code`, () =>
    leavesNothing(device, async () => {
      using net = new Sequential(new Conv2d(1, 2, 3, { device }), new BatchNorm2d(2, { device }), new Flatten(), new Dropout(0.5, 3));
      const nodes = await inGraph(net);
      const x = placeholder([2, 1, 4, 4], 'f32', 'x');
      const loss = nodes.forward(x).square().mean();
      const step = group(new GradientDescent({ rate: 0.1 }).minimize(loss, nodes.parameters), nodes.updates());
      const loaded = load(await save({ loss, step }));
      const images = sampleValues(32, 4);
      const curve = async (fetches: Fetch[], input: typeof x) => {
        await using session = new Session({ device });
        const losses: unknown[] = [];
        for (let i = 0; i < 3; i++) losses.push((await session.run(fetches, [[input, images]]))[0]);
        return losses;
      };
      const losses = await curve([loss, step], x);
      assert.is(new Set(losses).size, 3);
      assert.equal(await curve([loaded.fetches.get('loss')!, loaded.fetches.get('step')!], loaded.placeholders.get('x')!), losses);
    }));

  test(`${on}: dropout draws anew in every call and every run, without another kernel`, () =>
    leavesNothing(device, async () => {
      using dropout = new Dropout(0.5, 7);
      const ones = new Float32Array(64).fill(1);
      const x = tensor(ones, { device });
      const text = (values: ArrayLike<number>) => Array.from(values).join();
      const drawn = [text(await dropout.forward(x).read())];
      const { misses } = launchesOf(device);
      for (let i = 0; i < 3; i++) drawn.push(text(await dropout.forward(x).read()));
      assert.is(launchesOf(device).misses, misses);
      using again = new Dropout(0.5, 7);
      assert.is(text(await again.forward(x).read()), drawn[0]);

      const nodes = await inGraph(dropout);
      const input = placeholder([64]);
      const [left, right] = [nodes.forward(input), nodes.forward(input)];
      await using session = new Session({ device });
      for (let i = 0; i < 2; i++) {
        const [a, b] = await session.run([left, right, nodes.updates()], [[input, ones]]);
        drawn.push(text(a as Float32Array), text(b as Float32Array));
      }
      assert.is(new Set(drawn).size, 8);
      assert.equal([...(await dropout.eval().forward(x).read())], [...ones]);
    }));
}

test('a module on nodes without inGraph says what is the matter', () =>
  leavesNothing(devices[0], () => {
    using norm = new BatchNorm2d(1, { device: devices[0] });
    refuses(() => norm.forward(placeholder([2, 1, 2, 2]) as never), /is a tensor, but the other operands are nodes of a graph/);
    const count = variable([0]);
    refuses(
      () =>
        update(
          updateOp('test count', (old) => old),
          count,
        ),
      `update test count: ${count} cannot be changed here; a graph's variable changes by assign(..), when that is fetched`,
    );
  }));

test.run();

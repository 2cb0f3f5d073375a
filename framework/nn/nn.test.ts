import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { full, tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing } from '../each-device.ts';
import { gradcheck } from '../gradcheck.ts';
import { crossEntropy } from '../ops/softmax.ts';
import { Adam } from '../optim/index.ts';
import { refuses } from '../refuses.ts';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { assign } from '../update.ts';
import {
  BatchNorm,
  CrossEntropyLoss,
  Dropout,
  Embedding,
  gainOf,
  gelu,
  heNormal,
  heUniform,
  LayerNorm,
  Linear,
  LstmCell,
  Module,
  MseLoss,
  RnnCell,
  relu,
  Sequential,
  tanh,
  xavierNormal,
  xavierUniform,
} from './index.ts';

const devices = await devicesForTests();

for (const device of devices) {
  test.after(() => device.close());
  const on = device.kind;

  /** Modules in modules, an array of them, and a tensor that is no parameter. */
  class Net extends Module {
    readonly body = new Sequential(new Linear(3, 4, { device }), relu(), new Dropout(0.5));
    readonly heads = [new Linear(4, 2, { device, seed: 1, bias: false }), new LayerNorm([2], { device })];
    readonly scale = tensor([2], { device });
    forward(x: Tensor): Tensor {
      return this.heads.reduce((each, head) => head.forward(each), this.body.forward(x)).mul(this.scale);
    }
  }

  test(`${on}: what modules hold is found by path, whatever they lie in`, () =>
    leavesNothing(device, () => {
      using net = new Net();
      const paths = ['body.layers.0.weight', 'body.layers.0.bias', 'heads.0.weight', 'heads.1.weight', 'heads.1.bias', 'scale'];
      assert.equal(Object.keys(net.stateDict()), paths);
      assert.is(net.parameters().length, 5);
      assert.equal(Object.keys(net.namedParameters()), paths.slice(0, -1));
      net.eval();
      assert.equal([net.body.training, net.body.layers[2].training], [false, false]);
      net.train();
      assert.is(net.body.layers[2].training, true);
    }));

  test(`${on}: a state is taken over whole or not at all`, () =>
    leavesNothing(device, async () => {
      using net = new Net();
      using other = new Net();
      const x = tensor([[1, -2, 0.5]], { device });
      other.heads[0].loadStateDict({ weight: net.heads[0].stateDict().weight.mul(-3) });
      const before = await other.eval().forward(x).read();
      refuses(() => other.loadStateDict({ ...net.stateDict(), extra: x }), /loadStateDict: missing \[\], unknown \[extra\]/);
      refuses(() => other.loadStateDict({ ...net.stateDict(), scale: x }), 'loadStateDict: scale is f32[1,3], expected f32[1]');
      assert.equal(await other.forward(x).read(), before);
      other.loadStateDict(net.stateDict());
      assert.equal(await other.forward(x).read(), await net.eval().forward(x).read());
    }));

  test(`${on}: layers compute what they say, with gradients`, () =>
    leavesNothing(device, async () => {
      using linear = new Linear(2, 3, { device });
      const x = tensor([[0.5, -1]], { device, requiresGrad: true });
      const [w, b] = [await linear.weight.read(), await linear.bias!.read()];
      const expected = [0, 1, 2].map((i) => 0.5 * w[2 * i] - w[2 * i + 1] + b[i]);
      assert.is(differs(await linear.forward(x).read(), expected, 1e-5), undefined);
      assert.ok(w.every((value) => Math.abs(value) <= Math.SQRT1_2));
      assert.is(await gradcheck((a) => tanh().forward(gelu().forward(linear.forward(a))), [x]), undefined);
      using embedding = new Embedding(5, 2, { device });
      const rows = embedding.forward(tensor(Int32Array.of(4, 4, 1), { device }));
      assert.equal(rows.shape, [3, 2]);
      rows.sum().backward();
      assert.equal([...(await embedding.weight.grad!.read())], [0, 0, 1, 1, 0, 0, 0, 0, 2, 2]);
    }));

  test(`${on}: batch statistics are taken in training and used afterwards`, () =>
    leavesNothing(device, async () => {
      using norm = new BatchNorm(2, { device, momentum: 0.5 });
      const x = tensor(
        [
          [1, 10],
          [3, 30],
        ],
        { device },
      );
      assert.is(differs(await norm.forward(x).read(), [-1, -1, 1, 1], 1e-4), undefined);
      assert.is(differs(await norm.runningMean.read(), [1, 10], 1e-5), undefined);
      assert.is(differs(await norm.runningVariance.read(), [1.5, 100.5], 1e-5), undefined);
      const used = [0, 0, 2 / Math.sqrt(1.5), 20 / Math.sqrt(100.5)];
      assert.is(differs(await norm.eval().forward(x).read(), used, 1e-4), undefined);
      assert.is(differs(await norm.runningMean.read(), [1, 10], 1e-5), undefined);
      assert.equal([norm.parameters().length, Object.keys(norm.stateDict())], [2, ['weight', 'bias', 'runningMean', 'runningVariance']]);
    }));

  test(`${on}: recurrent cells follow their formulas, and backward goes through time`, () =>
    leavesNothing(device, async () => {
      using rnn = new RnnCell(1, 1, { device });
      using lstm = new LstmCell(1, 1, { device });
      const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
      for (const cell of [rnn, lstm]) for (const each of cell.parameters()) assign(each, full(each.shape, 0.5, { device }));
      const x = tensor([[2]], { device, requiresGrad: true });
      const h = tensor([[-1]], { device });
      assert.is(differs([await rnn.forward(x, h).item()], [Math.tanh(0.5 * 2 + 0.5 - 0.5 + 0.5)], 1e-5), undefined);
      const { hidden, cell } = lstm.forward(x, { hidden: h, cell: tensor([[3]], { device }) });
      const gate = 1.5;
      const kept = sigmoid(gate) * 3 + sigmoid(gate) * Math.tanh(gate);
      assert.is(differs([await cell.item(), await hidden.item()], [kept, sigmoid(gate) * Math.tanh(kept)], 1e-5), undefined);
      const unrolled = (a: Tensor) => [1, 2, 3].reduce((state) => lstm.forward(a, state), lstm.start(1)).hidden;
      assert.is(await gradcheck(unrolled, [x]), undefined);
      assert.is(await gradcheck((a) => rnn.forward(a, rnn.forward(a, rnn.start(1))), [x]), undefined);
    }));

  test(`${on}: initial weights repeat by seed and have their variance`, () =>
    leavesNothing(device, async () => {
      const shape = [60, 40];
      for (const [init, variance] of [
        [xavierUniform, 2 / 100],
        [xavierNormal, 2 / 100],
        [heUniform, 2 / 40],
        [heNormal, 2 / 40],
      ] as const) {
        const weight = init(shape, { device, seed: 3 });
        assert.is(weight.requiresGrad, true);
        const values = await weight.read();
        const measured = Array.from(values).reduce((sum, value) => sum + value * value, 0) / values.length;
        assert.ok(Math.abs(measured / variance - 1) < 0.1, `${init.name}: ${measured}, expected ${variance}`);
        assert.equal(await init(shape, { device, seed: 3 }).read(), values);
        assert.not.equal(await init(shape, { device, seed: 4 }).read(), values);
      }
    }));

  test(`${on}: a gain scales initial weights, layers take a rule of their own`, () =>
    leavesNothing(device, async () => {
      const rules = [xavierUniform, xavierNormal, heUniform, heNormal];
      for (const init of rules) {
        const [one, three] = await Promise.all([1, 3].map((gain) => init([4, 5], { device, seed: 3, gain }).read()));
        assert.is(
          differs(
            three,
            Array.from(one, (value) => 3 * value),
            1e-6,
          ),
          undefined,
          init.name,
        );
      }
      assert.equal([gainOf('tanh'), gainOf('relu'), gainOf('leakyRelu', 1)], [5 / 3, Math.SQRT2, 1]);
      using linear = new Linear(3, 4, { device, seed: 5, init: xavierNormal });
      assert.equal(await linear.weight.read(), await xavierNormal([4, 3], { device, seed: 5 }).read());
    }));

  test(`${on}: losses as modules are the losses`, () =>
    leavesNothing(device, async () => {
      const [x, y] = [tensor([[1, -2]], { device }), tensor([[0.25, 0.75]], { device })];
      assert.is(await new CrossEntropyLoss().forward(x, y).item(), await crossEntropy(x, y).item());
      assert.is(await new MseLoss().forward(x, y).item(), (0.75 ** 2 + 2.75 ** 2) / 2);
    }));

  test(`${on}: a small classifier learns exclusive or`, () =>
    leavesNothing(device, async () => {
      using net = new Sequential(new Linear(2, 8, { device, seed: 1 }), tanh(), new Linear(8, 2, { device, seed: 2 }));
      using optimizer = new Adam(net.parameters(), { lr: 0.05 });
      const x = tensor(
        [
          [0, 0],
          [0, 1],
          [1, 0],
          [1, 1],
        ],
        { device },
      );
      const classes = tensor(Int32Array.of(0, 1, 1, 0), { device });
      for (let step = 0; step < 150; step++)
        scope(() => {
          optimizer.zeroGrad();
          crossEntropy(net.forward(x), classes).backward();
          optimizer.step();
        });
      assert.equal([...(await net.forward(x).argmax(1).read())], [0, 1, 1, 0]);
      assert.ok((await crossEntropy(net.forward(x), classes).item()) < 0.1);
    }));
}

const [cpu, webgpu] = devices;
if (webgpu)
  test('a net moves between devices with the same outputs', () =>
    leavesNothing(cpu, () =>
      leavesNothing(webgpu, async () => {
        using net = new Sequential(new Linear(3, 5, { device: cpu }), relu(), new Linear(5, 2, { device: cpu, seed: 1 }));
        const x = tensor([[1, 2, -3]], { device: cpu });
        const before = await net.forward(x).read();
        await net.to(webgpu);
        assert.is(net.parameters().length, 4);
        assert.is(differs(await net.forward(await x.to(webgpu)).read(), before, 1e-5), undefined);
        refuses(() => net.forward(x), /matmul: operands live on cpu and webgpu/);
      }),
    ));

test.run();

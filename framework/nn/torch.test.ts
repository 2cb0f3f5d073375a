// Layers and losses against PyTorch's outputs and gradients, made once by fixtures/make.py.

import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../kernels/index.ts';
import { tensor } from '../create.ts';
import { devicesForTests, differs, leavesNothing } from '../each-device.ts';
import { add } from '../index.ts';
import { crossEntropy, mseLoss } from '../ops/softmax.ts';
import type { Tensor } from '../tensor.ts';
import * as nn from './index.ts';

interface HostTensor {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}
interface LayerCase {
  readonly state: Readonly<Record<string, HostTensor>>;
  readonly inputs: readonly HostTensor[];
  readonly outputs: readonly HostTensor[];
  readonly upstreams: readonly HostTensor[];
  readonly inputGradients: readonly HostTensor[];
  readonly stateGradients: Readonly<Record<string, HostTensor>>;
  readonly after: Readonly<Record<string, HostTensor>>;
}
interface LossCase {
  readonly predictions: HostTensor;
  readonly targets: HostTensor;
  readonly loss: number;
  readonly gradient: HostTensor;
}

const { layers, losses } = JSON.parse(readFileSync(new URL('./fixtures/torch.json', import.meta.url), 'utf8')) as {
  layers: Record<string, LayerCase>;
  losses: Record<string, LossCase>;
};

const TOLERANCE = 2e-5;

/** Outputs of a module by its inputs. */
type Forward = (...inputs: Tensor[]) => readonly Tensor[];
const one =
  (layer: nn.Layer): Forward =>
  (x) => [layer.forward(x)];

/** Our layer of each case, and its forward. */
const makers: Record<string, (device: Device) => readonly [nn.Module, Forward]> = {
  Linear: (device) => alone(new nn.Linear(5, 3, { device })),
  'Linear without bias': (device) => alone(new nn.Linear(5, 3, { device, bias: false })),
  Conv2d: (device) => alone(new nn.Conv2d(2, 3, 3, { device })),
  'Conv2d with stride, padding, dilation and groups': (device) =>
    alone(new nn.Conv2d(4, 6, [3, 2], { device, stride: [2, 1], padding: [1, 2], dilation: [1, 2], groups: 2, bias: false })),
  'Conv2d same': (device) => alone(new nn.Conv2d(2, 2, [3, 4], { device, padding: 'same' })),
  MaxPool2d: () => alone(new nn.MaxPool2d(3, { stride: 2, padding: 1 })),
  AvgPool2d: () => alone(new nn.AvgPool2d([2, 3], { stride: [1, 2], padding: [1, 1] })),
  'AvgPool2d without counting padding': () => alone(new nn.AvgPool2d(3, { stride: 2, padding: 1, countPadding: false })),
  GlobalAvgPool: () => alone(new nn.GlobalAvgPool({ keepDims: true })),
  BatchNorm2d: (device) => alone(new nn.BatchNorm2d(3, { device, momentum: 0.3, epsilon: 1e-3 })),
  'BatchNorm2d used': (device) => alone(new nn.BatchNorm2d(3, { device, epsilon: 1e-3 }).eval()),
  'BatchNorm2d without affine': (device) => alone(new nn.BatchNorm2d(2, { device, affine: false })),
  LayerNorm: (device) => alone(new nn.LayerNorm([3, 4], { device, epsilon: 1e-4 })),
  Embedding: (device) => alone(new nn.Embedding(5, 3, { device })),
  RnnCell: (device) => withState(new nn.RnnCell(3, 4, { device })),
  LstmCell(device) {
    const lstm = new nn.LstmCell(3, 4, { device });
    return [
      lstm,
      (x, hidden, cell) => {
        const next = lstm.forward(x, { hidden, cell });
        return [next.hidden, next.cell];
      },
    ];
  },
  GruCell: (device) => withState(new nn.GruCell(3, 4, { device })),
  relu: () => alone(nn.relu()),
  leakyRelu: () => alone(nn.leakyRelu(0.2)),
  sigmoid: () => alone(nn.sigmoid()),
  tanh: () => alone(nn.tanh()),
  gelu: () => alone(nn.gelu()),
  softmax: () => alone(nn.softmax(1)),
  logSoftmax: () => alone(nn.logSoftmax()),
};

const alone = (layer: nn.Layer) => [layer, one(layer)] as const;
const withState = (cell: nn.RnnCell | nn.GruCell) => [cell, (x: Tensor, hidden: Tensor) => [cell.forward(x, hidden)]] as const;

const make = ({ shape, values }: HostTensor, device: Device, requiresGrad = false) => tensor([...values], { shape, device, requiresGrad });

const agrees = async (actual: Tensor | undefined, { shape, values }: HostTensor, what: string) => {
  assert.equal(actual?.shape, shape, what);
  assert.is(differs(await actual!.read(), values, TOLERANCE), undefined, what);
};

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;

  for (const [name, expected] of Object.entries(layers))
    test(`${on}: ${name} computes what PyTorch computes, forward and back`, () =>
      leavesNothing(device, async () => {
        const [layer, forward] = makers[name](device);
        using net = layer;
        const state = Object.fromEntries(Object.entries(expected.state).map(([path, each]) => [path, make(each, device)]));
        net.loadStateDict(state);
        const isIndex = name === 'Embedding';
        const inputs = expected.inputs.map((each) => (isIndex ? make(each, device).cast('i32') : make(each, device, true)));
        const outputs = forward(...inputs);
        assert.is(outputs.length, expected.outputs.length);
        for (const [i, output] of outputs.entries()) await agrees(output, expected.outputs[i], `output ${i}`);
        const weighted = outputs.map((output, i) => output.mul(make(expected.upstreams[i], device)).sum());
        weighted.reduce((sum, each) => add<Tensor>(sum, each)).backward();
        for (const [i, gradient] of expected.inputGradients.entries()) await agrees(inputs[i].grad, gradient, `gradient of input ${i}`);
        const held = net.stateDict();
        for (const [path, gradient] of Object.entries(expected.stateGradients)) await agrees(held[path].grad, gradient, path);
        for (const [path, each] of Object.entries(held)) await agrees(each, expected.after[path] ?? expected.state[path], path);
      }));

  for (const [name, expected] of Object.entries(losses))
    test(`${on}: ${name} is PyTorch's, with its gradient`, () =>
      leavesNothing(device, async () => {
        const predictions = make(expected.predictions, device, true);
        const targets = make(expected.targets, device);
        const isClasses = name === 'crossEntropy of classes';
        const loss =
          name === 'mseLoss' ? mseLoss(predictions, targets) : crossEntropy(predictions, isClasses ? targets.cast('i32') : targets);
        assert.is(differs([await loss.item()], [expected.loss], TOLERANCE), undefined);
        loss.backward();
        await agrees(predictions.grad, expected.gradient, 'gradient');
      }));
}

test.run();

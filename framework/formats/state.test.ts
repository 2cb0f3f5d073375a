import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ones, tensor } from '../create.ts';
import { devicesForTests, leavesNothing } from '../each-device.ts';
import { Linear, Module } from '../nn/index.ts';
import type { Tensor } from '../tensor.ts';
import { bitsOf, EVERY_DTYPE } from './damage.ts';
import { readNpz, writeNpz } from './npz.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import { arraysOf, tensorsOf } from './state.ts';

class Net extends Module {
  readonly layers: readonly Linear[];
  constructor(seed: number, device: Tensor['device']) {
    super();
    this.layers = [new Linear(3, 5, { seed, device }), new Linear(5, 2, { seed: seed + 1, device })];
  }
  forward(x: Tensor): Tensor {
    return this.layers[1].forward(this.layers[0].forward(x).relu());
  }
}

for (const device of await devicesForTests()) {
  test.after(() => device.close());
  const on = device.kind;

  test(`${on}: a net's state goes through a file into another net, which then gives the same outputs`, () =>
    leavesNothing(device, async () => {
      using saved = new Net(1, device);
      const x = tensor([[1, -2, 3]], { device });
      const expected = [...(await saved.forward(x).read())];
      const arrays = await arraysOf(saved.stateDict());
      assert.is(arrays.get('layers.0.weight')!.values.length, 15);
      for (const file of [readSafetensors(writeSafetensors(arrays)).arrays, await readNpz(writeNpz(arrays))]) {
        using loaded = new Net(7, device);
        assert.not.equal([...(await loaded.forward(x).read())], expected);
        loaded.loadStateDict(tensorsOf(file, device));
        assert.equal([...(await loaded.forward(x).read())], expected);
      }
    }));

  test(`${on}: arrays of every dtype become tensors and come back bit for bit`, () =>
    leavesNothing(device, async () => {
      const back = await arraysOf(tensorsOf(EVERY_DTYPE, device));
      assert.equal([...back.keys()], [...EVERY_DTYPE.keys()]);
      for (const [name, array] of EVERY_DTYPE) assert.equal(bitsOf(back.get(name)!), bitsOf(array), name);
    }));

  test(`${on}: an array without elements is named, and nothing is made`, () =>
    leavesNothing(device, async () => {
      const { liveBuffers } = device.memory();
      const x = ones([1], { device });
      const arrays = new Map([
        ...(await arraysOf({ x })),
        ['empty', { shape: [0, 3], dtype: 'f32' as const, values: new Float32Array() }] as const,
      ]);
      assert.throws(() => tensorsOf(arrays, device), /tensor 'empty': shape \[0,3\] has the size 0/);
      assert.is(device.memory().liveBuffers, liveBuffers + 1);
    }));
}

test.run();

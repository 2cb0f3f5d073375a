import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDevice } from '../kernels/index.ts';
import { tensor } from './create.ts';
import { close, deviceAt, open } from './devices.ts';
import { Launches } from './launches.ts';
import { layoutOf } from './layout.ts';
import { pointwiseOps } from './ops/pointwise.ts';
import { refuses } from './refuses.ts';

test('a device is opened once by its kind, and tensors are made on the first', async () => {
  refuses(() => tensor([1]), "no device is open; first call await open('cpu')");
  refuses(() => deviceAt('webgpu'), "no webgpu is open; first call await open('webgpu')");
  const [first, second] = await Promise.all([open('cpu', { threads: 1 }), open('cpu')]);
  assert.is(first, second);
  assert.is(deviceAt(), first);
  const x = tensor([1, 2]);
  assert.is(x.device, first);
  assert.is(await x.sum().item(), 3);
  await close('cpu');
  refuses(() => deviceAt('cpu'), /no cpu is open/);
  await open('cpu', { threads: 1 });
  assert.is(await tensor([4]).item(), 4);
  await close('cpu');
});

test('prepared ops are dropped in the order of their last use', async () => {
  const device = await openDevice('cpu', { threads: 1 });
  const launches = new Launches(device, 2);
  const [a, b, c] = [1, 2, 3].map((size) => [layoutOf({ shape: [size], dtype: 'f32' })]);
  const [first] = [a, b].map((layouts) => launches.get(pointwiseOps.neg, layouts, {}));
  assert.is(launches.get(pointwiseOps.neg, a, {}), first);
  launches.get(pointwiseOps.neg, c, {});
  assert.equal([launches.size, launches.misses], [2, 3]);
  assert.is(launches.get(pointwiseOps.neg, a, {}), first);
  launches.get(pointwiseOps.neg, b, {});
  assert.is(launches.misses, 4);
  launches.clear();
  assert.is(launches.size, 0);
  await device.close();
});

test.run();

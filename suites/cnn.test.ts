import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Request } from '../harness/suite.ts';
import { openDevice } from '../kernels/open.ts';
import { peakOf } from './cnn/memory.ts';
import { publishedColumns } from './cnn/published.ts';
import { type Pass, workOf } from './cnn/work.ts';
import suite from './cnn.ts';

const request = (more: Partial<Request> = {}): Request => ({
  devices: ['cpu', 'webgpu'],
  quick: false,
  seed: 1,
  threads: [1, 2],
  options: {},
  ...more,
});
const listed = (more: Partial<Request>) =>
  suite.cases(request(more)).map(({ name, arms }) => [name, ...arms!.map((arm) => arm.name.replace('ours:', ''))]);

const onCpu = ['tuned@cpu/1', 'tuned@cpu/2', 'tuned@cpu/2/default-flags', 'naive@cpu/2'];
const narrow = { net: 'resnet18', batch: 2, size: 64, width: 1 / 16, seed: 1 };

test('a case is a net, a batch and a pass; WebGPU gets narrow nets unless it is asked for alone, or the size is given', () => {
  const options = { models: 'resnet18', pass: 'forward', batch: '3' };
  assert.equal(listed({ options }), [
    ['cnn/resnet18/b3/forward/f32', ...onCpu],
    ['cnn/resnet18/b3/64px/width-0.0625/forward/f32', ...onCpu, 'tuned@webgpu', 'naive@webgpu'],
  ]);
  assert.equal(listed({ options, devices: ['webgpu'] }), [['cnn/resnet18/b3/forward/f32', 'tuned@webgpu', 'naive@webgpu']]);
  assert.equal(listed({ options: { ...options, image: '96', width: '0.5' } }), [
    ['cnn/resnet18/b3/96px/width-0.5/forward/f32', ...onCpu, 'tuned@webgpu', 'naive@webgpu'],
  ]);
  assert.is(listed({ devices: ['cpu'] }).length, 12);
  assert.ok(listed({ devices: ['cpu'], quick: true }).length < 5);
});

test('published figures stand beside whole nets only, as images per second', () => {
  const [whole, small] = suite.cases(request({ options: { models: 'vgg16', pass: 'backward' } }));
  assert.is(small.extra, undefined);
  assert.equal(whole.extra, publishedColumns('vgg16', 'backward'));
  assert.is(Number(whole.extra!.published_xeon_per_s).toFixed(4), (16 / 8.49548).toFixed(4));
  assert.equal(Object.keys(publishedColumns('alexnet', 'forward')), ['published_cudnn_per_s']);
});

for (const pass of ['forward', 'backward'] as Pass[])
  test(`a ${pass} is checked, its time told by kind of layer, its memory as predicted`, async () => {
    const work = await workOf(narrow, pass, { device: 'cpu', threads: 2 });
    await work.run();
    assert.is(await work.verify!(), undefined);
    const { cost, peakBytes, bytesH2d, extra, maxRelErr } = await work.facts!();
    const images = 4 * 2 * 3 * 64 * 64;
    assert.ok(bytesH2d! >= images && bytesH2d! < images + 100);
    assert.ok(Object.keys(extra!).includes('conv_ms') && Object.values(extra!).every((ms) => ms >= 0));
    assert.ok(cost!.flops > 1e6 && maxRelErr! > 0);
    await work.close!();
    const cpu = await openDevice('cpu', { threads: 2 });
    assert.is(await peakOf(narrow, pass, 'cpu', cpu), peakBytes);
    await cpu.close();
  });

test('a net that computes something else is wrong', async () => {
  const work = await workOf(narrow, 'forward', { device: 'cpu', threads: 1 });
  assert.match((await work.verify!()) as string, /logits are off by/);
  await work.close!();
});

test.run();

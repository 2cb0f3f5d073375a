// Training steps that are timed again and again: forward, loss, backward, descent of nets small and large, in both styles, beside the libraries that can train.

import type { Training } from '../../framework/exact/training.ts';
import type { Case, FunctionArm, Request } from '../../harness/suite.ts';
import type { DeviceKind } from '../../kernels/kernel.ts';
import type { DeviceOptions } from '../../kernels/open.ts';
import { costOf } from '../cost.ts';
import { twoLayer } from '../lecture/start.ts';
import { listOf } from '../options.ts';
import { sizesOf } from '../sizes.ts';
import { inEagerStyle, inStaticStyle, type Steps } from './steps.ts';
import { workOf } from './work.ts';

/** The lecture's sizes, and what keeps every unit busy. */
const SIZES: readonly (readonly number[])[] = [
  [64, 1000, 100],
  [1024, 1024, 1024],
];
/** Examples that differ in a large batch: the float64 losses of the whole would take minutes. A prime: rows that trade places are found out. */
const DISTINCT = 61;
/** Images that differ in the batch of the convolutional net. */
const IMAGES = 7;
/** In a quick run an emulated GPU is spared what takes it seconds. */
const QUICK_MOST_FLOPS_ON_WEBGPU = 1e9;

export const NETS = ['two-layer', 'mnist-cnn'];
export const STYLES = ['static', 'eager'] as const;
const steps: Readonly<Record<(typeof STYLES)[number], Steps>> = { static: inStaticStyle, eager: inEagerStyle };

/** The zoo's net for MNIST: two convolutions, each halved by pooling, and two linear layers. */
const mnistCnn = (batch: number): Training => ({
  example: [1, 28, 28],
  batch,
  layers: [
    { kind: 'conv2d', inputs: 1, outputs: 32, window: 3, padding: 1 },
    { kind: 'relu' },
    { kind: 'maxPool2d', window: 2 },
    { kind: 'conv2d', inputs: 32, outputs: 64, window: 3, padding: 1 },
    { kind: 'relu' },
    { kind: 'maxPool2d', window: 2 },
    { kind: 'flatten' },
    { kind: 'linear', inputs: 64 * 7 * 7, outputs: 128, bias: true },
    { kind: 'relu' },
    { kind: 'linear', inputs: 128, outputs: 10, bias: true },
  ],
  loss: 'crossEntropy',
  rate: 0.02,
  distinct: Math.min(batch, IMAGES),
});

function trainingsOf(request: Request): [name: string, training: Training][] {
  const nets = listOf(request, 'net', NETS, request.shapes === undefined ? NETS : ['two-layer']);
  const sizes = request.shapes === undefined ? SIZES : sizesOf(request.shapes, 'NxDxH');
  const dense = sizes.map(([N, D, H]) => [`two-layer/${N}x${D}x${H}`, twoLayer(N, D, H, Math.min(N, N <= 64 ? N : DISTINCT))] as const);
  return [
    ...(nets.includes('two-layer') ? dense : []),
    ...(nets.includes('mnist-cnn') ? [['mnist-cnn/64', mnistCnn(64)] as const] : []),
  ].map(([name, training]) => [name, training]);
}

/** A case for each net and size. */
export function timedCases(request: Request): Case[] {
  const { devices, threads, quick, seed } = request;
  const styles = listOf(request, 'style', STYLES, STYLES);
  const listed = trainingsOf(request).map(([name, training]): Case => {
    const cost = costOf(training);
    const arm = (style: keyof typeof steps, device: DeviceKind, options: DeviceOptions = {}): FunctionArm => ({
      name: `ours:${style}@${device}${options.threads ? `/${options.threads}` : ''}${options.flags ? `/${options.flags}-flags` : ''}`,
      device,
      threads: options.threads,
      make: () => workOf(steps[style], training, seed, device, options),
    });
    const onCpu = threads.flatMap((count) => [
      ...styles.map((style) => arm(style, 'cpu', { threads: count })),
      // The first again under V8's default flags, so that nobody is misled about what the flag brings.
      arm(styles[0], 'cpu', { threads: count, flags: 'default' }),
    ]);
    const spared = quick && cost.flops > QUICK_MOST_FLOPS_ON_WEBGPU;
    const onGpu = spared ? [] : styles.map((style) => arm(style, 'webgpu'));
    return {
      name: `train/${name}`,
      arms: [...(devices.includes('cpu') ? onCpu : []), ...(devices.includes('webgpu') ? onGpu : [])],
      devices: spared ? ['cpu'] : undefined,
      asked: { kind: 'train-step', training },
      readback: true,
      dtype: 'f32',
      cost,
    };
  });
  // Peers alone answer nothing.
  return listed.filter(({ arms }) => arms!.length > 0);
}

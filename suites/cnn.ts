// The cnn suite: whole nets, forward and backward, tuned and naive, beside what was published of them in 2016.
//
// A forward is a net in use: weights are packed when it is prepared. A backward is a training step's forward and backward, without the update: weights change
// from step to step, so their packing belongs to each. The published table's batch is 16; the default here is 1.

import { zoo } from '../framework/index.ts';
import { unknownName } from '../harness/nearest.ts';
import { type Case, type FunctionArm, type Request, type Suite, UsageError } from '../harness/suite.ts';
import type { DeviceKind } from '../kernels/kernel.ts';
import { fittingPeak } from './cnn/memory.ts';
import { publishedColumns } from './cnn/published.ts';
import { type ArmOptions, type Pass, workOf } from './cnn/work.ts';
import { countOf, listOf } from './options.ts';

const PASSES: readonly Pass[] = ['forward', 'backward'];
const MODELS = Object.keys(zoo.nets);
const QUICK_MODELS = ['alexnet', 'resnet18'];
const FULL_SIZE = 224;
/** Nets that an emulated GPU and naive kernels compute within a second: the same layers, few channels, small images. */
const NARROW = { width: 1 / 16, size: 64 };
/** Smallest image that leaves something after five halvings. */
const LEAST_SIZE = 64;

function modelsOf({ options, quick }: Request): readonly string[] {
  const given = options.models;
  if (typeof given !== 'string') return quick ? QUICK_MODELS : MODELS;
  const names = given.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !MODELS.includes(name));
  if (wrong !== undefined) throw new UsageError(`--models: ${unknownName('model', wrong, MODELS)}`);
  return names;
}

function sizeOf({ options }: Request): number | undefined {
  const size = options.image === undefined ? undefined : Number(options.image);
  if (size !== undefined && !(Number.isInteger(size) && size >= LEAST_SIZE))
    throw new UsageError(`--image is '${options.image}', expected a whole number of pixels from ${LEAST_SIZE}`);
  return size;
}

function widthOf({ options }: Request): number | undefined {
  const width = options.width === undefined ? undefined : Number(options.width);
  if (width !== undefined && !(width > 0 && width <= 1))
    throw new UsageError(`--width is '${options.width}', expected a share of the channels above 0, up to 1`);
  return width;
}

/** Sizes to measure, and on which devices: WebGPU is given whole nets where it is the only device asked for, or where the size is. */
function sizesOf(request: Request): { readonly size: number; readonly width: number; readonly devices: readonly DeviceKind[] }[] {
  const { devices } = request;
  const [size, width] = [sizeOf(request), widthOf(request)];
  const whole = { size: size ?? FULL_SIZE, width: width ?? 1 };
  if (size !== undefined || width !== undefined || !devices.includes('webgpu') || devices.length === 1) return [{ ...whole, devices }];
  return [
    { ...whole, devices: ['cpu'] },
    { ...NARROW, devices },
  ];
}

/** Every way to run a net: tuned on one and on all threads, under V8's own flags, and by plain loops. */
function armsOf(name: string, model: zoo.Model, pass: Pass, device: DeviceKind, threads: readonly number[]): FunctionArm[] {
  // Threads and kernels change little of what a net holds, and finding it takes a while: it is found once.
  let peak: Promise<number> | undefined;
  const bytes: FunctionArm['bytes'] = (traits) => (peak ??= fittingPeak(name, model, pass, device, traits));
  const arm = (label: string, options: Omit<ArmOptions, 'device'>): FunctionArm => ({
    name: `ours:${label}@${device}${options.threads === undefined ? '' : `/${options.threads}`}${options.flags ? '/default-flags' : ''}`,
    device,
    threads: options.threads,
    bytes,
    make: () => workOf(model, pass, { device, ...options }),
  });
  const naive = { kernels: ['naive'] };
  if (device !== 'cpu') return [arm('tuned', {}), arm('naive', naive)];
  const most = Math.max(...threads);
  return [
    ...threads.map((count) => arm('tuned', { threads: count })),
    arm('tuned', { threads: most, flags: 'default' }),
    arm('naive', { threads: most, ...naive }),
  ];
}

function cases(request: Request): Case[] {
  const batch = countOf(request, 'batch') ?? 1;
  const passes = listOf(request, 'pass', PASSES, request.quick ? ['forward'] : PASSES);
  return sizesOf(request).flatMap(({ size, width, devices }) =>
    modelsOf(request).flatMap((net) =>
      passes.map((pass): Case => {
        const model: zoo.Model = { net, batch, size, width, seed: request.seed };
        const isFull = size === FULL_SIZE && width === 1;
        const parts = ['cnn', net, `b${batch}`, ...(isFull ? [] : [`${size}px`, `width-${Number(width.toFixed(4))}`]), pass, 'f32'];
        const name = parts.join('/');
        return {
          name,
          dtype: 'f32',
          arms: devices.flatMap((device) => armsOf(name, model, pass, device, request.threads)),
          asked: { kind: 'model', model, pass },
          items: { name: 'images', count: batch },
          extra: isFull ? publishedColumns(net, pass) : undefined,
        };
      }),
    ),
  );
}

const suite: Suite = {
  name: 'cnn',
  question: 'How fast are whole nets, forward and backward, and where does their time go?',
  options: [
    { flags: '--models <list>', description: MODELS.join(', ') },
    { flags: '--batch <count>', description: 'images per call (default: 1)' },
    { flags: '--pass <list>', description: 'forward, backward (with the forward that it needs)' },
    { flags: '--image <pixels>', description: "an image's side (default: 224)" },
    { flags: '--width <share>', description: 'share of every number of channels (default: 1)' },
  ],
  cases,
};

export default suite;

// The relu suite: work that is all memory. ReLU over sizes from the first-level cache to memory, in place and not; and what comes before it, a bias or an
// addition, fused into one pass or in a pass of its own, beside a copy of as many bytes. Other ops of the kind come with --ops.

import { type Case, type Request, type Suite, UsageError } from '../harness/suite.ts';
import { apply, input, relu } from '../kernels/expression.ts';
import type { DeviceKind } from '../kernels/kernel.ts';
import { pointwiseCost } from '../kernels/pointwise.ts';
import { type PointwiseProblem, pointwise } from '../kernels/problem.ts';
import { MEMORY_OPS } from './memory-ops.ts';
import { listOf } from './options.ts';
import { type ArmPlace, pointwiseArms } from './pointwise-arms.ts';

/** Elements of a row, each with a bias of its own: a layer's outputs. */
const WIDTH = 1024;
const SIZES = ['16KiB', '256KiB', '4MiB', '64MiB'];
const QUICK_SIZES = ['16KiB', '4MiB'];
const UNITS = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;
/** In a quick run an emulated GPU is spared more than this. */
const QUICK_MOST_ON_WEBGPU = 2 ** 20;

/** Bytes of one tensor. Throws a UsageError that names the item. */
function bytesOf(item: string): number {
  const [, count, unit] = /^(\d+)(KiB|MiB|GiB)$/.exec(item) ?? [];
  const bytes = Number(count) * UNITS[unit as keyof typeof UNITS];
  if (!Number.isInteger(bytes) || bytes % (4 * WIDTH) !== 0 || bytes === 0 || bytes > 2 ** 31)
    throw new UsageError(`--shapes: '${item}' is no size of a tensor; expected 4KiB to 2GiB in steps of 4KiB, such as 16KiB or 64MiB`);
  return bytes;
}

/** The forms of ReLU over `rows` rows. */
function forms(rows: number): Record<string, PointwiseProblem> {
  const shape = [rows, WIDTH];
  const [x, y] = [input(0), input(1)];
  return {
    relu: pointwise({ shape, inputs: [{}], expression: relu(x) }),
    'relu/in-place': pointwise({ shape, inputs: [{}], expression: relu(x), inPlace: 0 }),
    'bias+relu': pointwise({ shape, inputs: [{}, { strides: [0, 1] }], expression: relu(apply('add', x, y)) }),
    'add+relu': pointwise({ shape, inputs: [{}, {}], expression: relu(apply('add', x, y)) }),
  };
}

const RELU = 'relu';

function cases(request: Request): Case[] {
  const { shapes, quick, devices } = request;
  if (shapes?.includes('\n')) throw new UsageError('--shapes: relu takes sizes such as 16KiB,64MiB, not a file');
  const sizes = shapes?.split(',').map((item) => item.trim()) ?? (quick ? QUICK_SIZES : SIZES);
  const ops = listOf(request, 'ops', [RELU, ...Object.keys(MEMORY_OPS)], [RELU]);
  return sizes.flatMap((size) => {
    const bytes = bytesOf(size);
    const spared = quick && shapes === undefined && bytes > QUICK_MOST_ON_WEBGPU;
    const wanted: DeviceKind[] = devices.filter((device) => device === 'cpu' || !spared);
    return ops.flatMap((op) => {
      if (op === RELU) return reluCases(size, bytes, wanted, request.threads);
      return [{ name: `relu/${size}/${op}/f32`, problem: MEMORY_OPS[op](bytes / 4), dtype: 'f32', devices: wanted }];
    });
  });
}

/** Every form of ReLU as a problem, and those with something before it also taken apart. */
function reluCases(size: string, bytes: number, devices: readonly DeviceKind[], threads: readonly number[]): Case[] {
  const problems = forms(bytes / (4 * WIDTH));
  const places = devices.flatMap((device): ArmPlace[] =>
    device === 'cpu' ? threads.map((count) => ({ device, threads: count })) : [{ device }],
  );
  const whole = Object.entries(problems).map(([form, problem]) => ({ name: `relu/${size}/${form}/f32`, problem, dtype: 'f32', devices }));
  const compared = (['bias+relu', 'add+relu'] as const).map((form) => ({
    name: `relu/${size}/${form}/fused-or-separate/f32`,
    dtype: 'f32',
    cost: pointwiseCost(problems[form]),
    arms: pointwiseArms(problems[form], places),
  }));
  return [...whole, ...compared];
}

const suite: Suite = {
  name: 'relu',
  question: 'What does ReLU cost from the caches to memory, in place or not, fused or by itself, against a copy?',
  options: [{ flags: '--ops <list>', description: `relu, ${Object.keys(MEMORY_OPS).join(', ')} (default: relu)` }],
  cases,
};

export default suite;

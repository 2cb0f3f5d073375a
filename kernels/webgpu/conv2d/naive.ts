// result[a, b, y, x] = Σ over q, u, v of image[..][reach(y, u), reach(x, v)] · weights[..][u, v], a thread for each element of the result.
//
//   neighbouring threads take neighbours along x: they read one line of the image and the same weight
//
// All passes of a convolution are such correlations (see correlation.ts): each thread gathers its own sum, so that gradients need no atomics.

import {
  type Correlation,
  conv2dCost,
  conv2dFacts,
  conv2dVariant,
  correlationOf,
  epilogueOperands,
  isDivided,
  type Steps,
} from '../../correlation.ts';
import type { Entry, Kernel } from '../../kernel.ts';
import { type Conv2dProblem, conv2dOperands } from '../../problems/conv2d.ts';
import { reachNumbers } from '../../problems/window.ts';
import { unbindable } from '../binding.ts';
import { reached, reachParameters } from '../reach.ts';
import { argumentBlock, linearGrid, parameters, WORKGROUP_NUMBER } from '../wgsl.ts';
import { convSeconds } from './estimate.ts';

export const naive: Kernel<Conv2dProblem> = {
  name: 'naive',
  op: 'conv2d',
  device: 'webgpu',
  summary: 'one thread per element, straight from memory',
  requires: [],
  tunables: { WG: [64, 128, 256] },
  constraints: ['WG <= maxComputeInvocationsPerWorkgroup'],
  deterministic: true,
  facts: conv2dFacts,
  rejects: (problem, traits) => unbindable(conv2dOperands(problem), traits),
  defaults: () => ({ WG: 64 }),
  cost: conv2dCost,
  estimate: (problem, traits) => convSeconds(problem, traits, { software: 0.3e9, hardware: 400e9, outputsPerGroup: 64 }, true),
  variant: conv2dVariant,

  generate(problem, { WG }) {
    const entry = entryOf(problem);
    return {
      label: `conv2d/naive/${conv2dVariant(problem)} WG=${WG}`,
      code: codeOf(problem, entry, WG),
      entries: { correlate: entry },
    };
  },

  plan(problem, { WG }) {
    const correlation = correlationOf(problem);
    const { a, b, q, vertical, horizontal, perGroup, imageSteps, weightSteps, image, weights, result } = correlation;
    const elements = a * b * vertical.positions * horizontal.positions;
    const inOrder = (steps: Steps) => STEPS.map((name) => steps[name]);
    return {
      passes: [
        {
          entry: 'correlate',
          buffers: [image, weights, ...epilogueOperands(problem), result],
          arguments: [
            ...[elements, b, q, perGroup, ...inOrder(imageSteps), ...inOrder(weightSteps)],
            ...[...reachNumbers(vertical), ...reachNumbers(horizontal)],
          ],
          grid: linearGrid(Math.ceil(elements / WG)),
        },
      ],
      workspace: {},
    };
  },
};

const STEPS = ['a', 'b', 'g', 'q'] as const;

function entryOf(problem: Conv2dProblem): Entry {
  const steps = ['image', 'weight'].flatMap((name) => STEPS.map((step) => `${name}_${step}`));
  return {
    buffers: ['image', 'weights', ...epilogueOperands(problem), 'result'].map((name) => ({
      name,
      access: name === 'result' ? 'write' : 'read',
    })),
    arguments: [
      ...parameters('i32', 'elements', 'counts', 'planes', 'per_group', ...steps),
      ...reachParameters('y'),
      ...reachParameters('x'),
    ],
  };
}

/** The offset of the plane where the sum starts. */
const start = (name: string): string => `a * args.${name}_a + b * args.${name}_b + g * args.${name}_g`;

function codeOf({ epilogue, ...problem }: Conv2dProblem, entry: Entry, WG: number): string {
  const correlation: Correlation = correlationOf({ epilogue, ...problem });
  const divided = isDivided(correlation);
  const buffers = entry.buffers.map(
    ({ name, access }, binding) =>
      `@group(0) @binding(${binding}) var<storage, ${access === 'read' ? 'read' : 'read_write'}> ${name}: array<f32>;`,
  );
  return `${buffers.join('\n')}
${argumentBlock(buffers.length, entry)}

@compute @workgroup_size(${WG})
fn correlate(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let number = i32((${WORKGROUP_NUMBER}) * ${WG}u + thread);
  if (number >= args.elements) { return; }
  let x = number % args.positions_x;
  let y = number / args.positions_x % args.positions_y;
  let plane = number / args.positions_x / args.positions_y;
  let a = plane / args.counts;
  let b = plane % args.counts;
  let g = ${correlation.groupOf} / args.per_group;
  var image_plane = ${start('image')};
  var weight_plane = ${start('weight')};
  var sum = 0.0;
  for (var q = 0; q < args.planes; q++) {
    for (var u = 0; u < args.taps_y; u++) {
      ${reached('row', 'y', 'y', 'u', divided)}
      for (var v = 0; v < args.taps_x; v++) {
        ${reached('column', 'x', 'x', 'v', divided)}
        sum += image[image_plane + row * args.size_x + column] * weights[weight_plane + u * args.taps_x + v];
      }
    }
    image_plane += args.image_q;
    weight_plane += args.weight_q;
  }
  ${epilogue.bias ? 'sum += bias[b];' : ''}
  ${epilogue.residual ? 'sum += residual[number];' : ''}
  result[number] = ${epilogue.relu ? 'max(sum, 0.0)' : 'sum'};
}
`;
}

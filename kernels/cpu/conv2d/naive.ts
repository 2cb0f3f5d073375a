// result[a, b, y, x] = Σ over q, u, v of image[..][reach(y, u), reach(x, v)] · weights[..][u, v], the way that people write it first: nested loops over scalars.
//
//   for a, b, y:  one task          for x:  for q:  for u:  for v:  sum += image · weight
//
// All passes of a convolution are such correlations (see correlation.ts). The baseline that the other kernels are measured against.

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
import type { Entry, Kernel, Source } from '../../kernel.ts';
import type { Conv2dProblem } from '../../problems/conv2d.ts';
import { reachNumbers } from '../../problems/window.ts';
import { advance, assemble, f32, i32, type Local, loopWhileBelow, set, task } from '../assembly.ts';
import { reachNames, whereReached } from '../reach.ts';
import { threadsWorth } from '../threading.ts';

export const naive: Kernel<Conv2dProblem> = {
  name: 'naive',
  op: 'conv2d',
  device: 'cpu',
  summary: 'nested loops over scalars: what people write first',
  requires: [],
  tunables: {},
  constraints: [],
  deterministic: true,
  facts: conv2dFacts,
  rejects: () => undefined,
  defaults: () => ({}),
  cost: conv2dCost,
  estimate: (problem, traits) => 1e-6 + conv2dCost(problem).flops / (1.4e9 * threadsWorth(conv2dCost(problem), traits)),
  variant: conv2dVariant,
  generate,
  plan: (problem) => {
    const correlation = correlationOf(problem);
    const { a, b, q, vertical, horizontal, perGroup, imageSteps, weightSteps } = correlation;
    const bytes = (steps: Steps) => STEPS.map((name) => 4 * steps[name]);
    return {
      passes: [
        {
          entry: 'rows',
          buffers: buffersOf(problem, correlation),
          arguments: [b, q, perGroup, ...bytes(imageSteps), ...bytes(weightSteps), ...reachNumbers(vertical), ...reachNumbers(horizontal)],
          grid: [a * b * vertical.positions, 1, 1],
        },
      ],
      workspace: {},
    };
  },
};

const STEPS = ['a', 'b', 'g', 'q'] as const;

const buffersOf = (problem: Conv2dProblem, { image, weights, result }: Correlation): string[] => [
  image,
  weights,
  ...epilogueOperands(problem),
  result,
];

function entryOf(problem: Conv2dProblem): Entry {
  const steps = ['image', 'weight'].flatMap((name) => STEPS.map((step) => `${name}${step}`));
  return {
    buffers: ['image', 'weights', ...epilogueOperands(problem), 'result'].map((name) => ({
      name,
      access: name === 'result' ? 'write' : 'read',
    })),
    arguments: ['counts', 'planes', 'perGroup', ...steps, ...reachNames('Y'), ...reachNames('X')].map((name) => ({ name, type: 'i32' })),
  };
}

/** One task is one row of the result. */
function generate(problem: Conv2dProblem): Source {
  const correlation = correlationOf(problem);
  const divided = isDivided(correlation);
  const { bias, residual, relu } = problem.epilogue;
  const locals = { a: i32, b: i32, g: i32, q: i32, x: i32, u: i32, v: i32, firstY: i32, firstX: i32, fromY: i32, fromX: i32 } as const;
  const addresses = { row: i32, column: i32, plane: i32, weight: i32, line: i32, sum: f32 } as const;
  const rows = task(entryOf(problem), { ...locals, ...addresses }, (names, argument) => {
    const { task: number, a, b, g, q, x, u, v, firstY, firstX, fromY, fromX, row, column, plane, weight, line, sum } = names;
    const { image, weights, result, counts, planes, perGroup } = argument;
    set(b, i32.div_u(number, argument.positionsY));
    set(firstY, i32.sub(i32.mul(i32.rem_u(number, argument.positionsY), argument.stepY), argument.offsetY));
    set(a, i32.div_u(b, counts));
    set(b, i32.rem_u(b, counts));
    set(g, i32.div_u(correlation.groupOf === 'a' ? a : b, perGroup));
    for (const [base, name] of [
      [image, 'image'],
      [weights, 'weight'],
    ] as const)
      for (const [index, step] of [
        [a, 'a'],
        [b, 'b'],
        [g, 'g'],
      ] as const)
        advance(base, i32.mul(index, argument[`${name}${step}`]));
    for (const rows of residual ? [result, argument.residual] : [result]) advance(rows, i32.shl(i32.mul(number, argument.positionsX), 2));
    set(firstX, i32.sub(0, argument.offsetX));
    loopWhileBelow(x, argument.positionsX, 1, () => {
      set(sum, bias ? f32.load({}, i32.add(argument.bias, i32.shl(b, 2))) : f32.const(0));
      set(plane, image);
      set(weight, weights);
      set(q, 0);
      loopWhileBelow(q, planes, 1, () => {
        overTaps();
        advance(plane, argument.imageq);
        advance(weight, argument.weightq);
      });
      if (residual) {
        set(sum, f32.add(sum, f32.load({}, argument.residual)));
        advance(argument.residual, 4);
      }
      if (relu) set(sum, f32.max(sum, f32.const(0)));
      f32.store({}, result, sum);
      advance(result, 4);
      advance(firstX, argument.stepX);
    });

    /** Adds the products of one plane. */
    function overTaps() {
      set(u, 0);
      set(fromY, firstY);
      set(line, weight);
      loopWhileBelow(u, argument.tapsY, 1, () => {
        whereReached(row, fromY, argument.divisorY, argument.sizeY, divided, () => {
          set(row, i32.add(plane, i32.shl(i32.mul(row, argument.sizeX), 2)));
          set(v, 0);
          set(fromX, firstX);
          loopWhileBelow(v, argument.tapsX, 1, () => {
            whereReached(column, fromX, argument.divisorX, argument.sizeX, divided, () => addProduct());
            advance(fromX, argument.tapStepX);
          });
        });
        advance(fromY, argument.tapStepY);
        advance(line, i32.shl(argument.tapsX, 2));
      });
    }
    function addProduct() {
      const at = (base: Local, index: Local) => i32.add(base, i32.shl(index, 2));
      set(sum, f32.add(sum, f32.mul(f32.load({}, at(row, column)), f32.load({}, at(line, v)))));
    }
  });
  return assemble(`conv2d/naive/${conv2dVariant(problem)}`, { rows });
}

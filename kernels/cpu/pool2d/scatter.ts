// The gradient of pooling: each window hands its gradient to the elements that it saw.
//
//   plane by plane:   inputGrad[p] = 0;   for each window:  inputGrad[p][index] += g              (max)
//                                                           inputGrad[p][seen]  += g / count      (average)
//
// A task owns whole planes, so that no two write one element; within a plane windows come in order, so that sums have one order.

import type { Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { countsTaps, pool2dCost, pool2dFacts, pool2dVariant } from '../../pooling.ts';
import { type Pool2dProblem, pool2dOperands } from '../../problems/pool2d.ts';
import { reachNumbers, windowReach } from '../../problems/window.ts';
import { advance, assemble, f32, i32, type Local, local, loopWhileBelow, memory, min, repeat, set, task } from '../assembly.ts';
import { sharedBy, sharing, sharingConstraints, threadsWorth, unitsPerTask } from '../threading.ts';
import { type Arguments, type ElementCode, entryOf, gatherElement, LOCALS, type Names, startRow, wordAt } from './element.ts';

export const scatter: Kernel<Pool2dProblem> = {
  name: 'scatter',
  op: 'pool2d',
  device: 'cpu',
  summary: 'the gradient, window by window into a plane that starts as zeros',
  requires: [],
  tunables: sharing(4, 1, 2, 8),
  constraints: sharingConstraints(4),
  deterministic: true,
  facts: pool2dFacts,
  rejects: ({ pass }) => (pass === 'input-grad' ? undefined : `it does no ${pass}`),
  defaults: (problem, traits) => sharedBy(pool2dCost(problem), traits, 4),
  cost: pool2dCost,
  estimate(problem, traits) {
    const { flops, bytes } = pool2dCost(problem);
    const handed = problem.kind === 'max' ? pool2dOperands(problem).outputGrad.elements : flops;
    const threads = Math.min(threadsWorth(pool2dCost(problem), traits), problem.planes);
    return 1e-6 + (handed / 0.7e9 + bytes / 15e9) / threads;
  },
  variant: pool2dVariant,
  generate,
  plan,
};

function plan(problem: Pool2dProblem, tunables: Tunables, traits: Traits): Plan {
  const perTask = unitsPerTask(problem.planes, tunables, traits);
  const { vertical, horizontal } = problem;
  return {
    passes: [
      {
        entry: 'planes',
        buffers: Object.keys(pool2dOperands(problem)),
        arguments: [problem.planes, perTask, ...reachNumbers(windowReach(vertical)), ...reachNumbers(windowReach(horizontal))],
        grid: [Math.ceil(problem.planes / perTask), 1, 1],
      },
    ],
    workspace: {},
  };
}

const PLANES = { p: i32, endPlane: i32, bytes: i32, target: i32 } as const;
type PlaneNames = Names & Record<keyof typeof PLANES, Local>;

function generate(problem: Pool2dProblem): Source {
  const hand = problem.kind === 'max' ? handMaxima : handAverages(countsTaps(problem));
  const planes = task(entryOf(problem), { ...LOCALS, ...PLANES }, (names: PlaneNames, argument) => {
    const { task: number, p, endPlane, row, bytes, target } = names;
    const { rows, perTask, positionsX, positionsY, indices, outputGrad } = argument;
    set(p, i32.mul(number, perTask));
    set(endPlane, i32.add(p, perTask));
    min(endPlane, endPlane, rows);
    set(row, i32.mul(p, positionsY));
    for (const address of indices ? [indices, outputGrad] : [outputGrad]) advance(address, i32.shl(i32.mul(row, positionsX), 2));
    set(bytes, i32.shl(i32.mul(argument.sizeX, argument.sizeY), 2));
    set(target, i32.add(argument.inputGrad, i32.mul(p, bytes)));
    loopWhileBelow(p, endPlane, 1, () => {
      local.get(target);
      i32.const(0);
      local.get(bytes);
      memory.fill();
      hand(names, argument);
      advance(target, bytes);
    });
  });
  return assemble(`pool2d/scatter/${pool2dVariant(problem)}`, { planes });
}

function handMaxima({ x, own, value, target }: PlaneNames, { positionsX, positionsY, indices, outputGrad }: Arguments): void {
  set(x, i32.mul(positionsX, positionsY));
  repeat(x, () => {
    set(own, i32.add(target, i32.shl(i32.load({}, indices), 2)));
    set(value, f32.load({}, outputGrad));
    f32.store({}, own, f32.add(f32.load({}, own), value));
    advance(indices, 4);
    advance(outputGrad, 4);
  });
}

/** `isUnpadded`: windows divide by the taps that lie in the input, which are counted first. */
const handAverages =
  (isUnpadded: boolean) =>
  (names: PlaneNames, argument: Arguments): void => {
    const { p, row, end, x, firstX, count, value } = names;
    const { positionsX, positionsY, tapsX, tapsY, stepX, outputGrad } = argument;
    set(row, i32.mul(p, positionsY));
    set(end, i32.add(row, positionsY));
    loopWhileBelow(row, end, 1, () => {
      startRow(names, argument);
      set(x, 0);
      loopWhileBelow(x, positionsX, 1, () => {
        if (isUnpadded) gatherElement(names, argument, false, counting);
        else set(count, i32.mul(tapsX, tapsY));
        set(value, f32.div(f32.load({}, outputGrad), f32.convert_i32_u(count)));
        gatherElement(names, argument, false, handing);
        advance(outputGrad, 4);
        advance(firstX, stepX);
      });
    });
  };

const counting: ElementCode = { take: ({ count }) => advance(count, 1), store: () => {} };

const handing: ElementCode = {
  take(names, argument) {
    const { own, value } = names;
    set(own, wordAt(argument.inputGrad, names, argument));
    f32.store({}, own, f32.add(f32.load({}, own), value));
  },
  store: () => {},
};

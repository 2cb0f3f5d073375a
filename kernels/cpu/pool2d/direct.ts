// Forward: output[p, y, x] = max or average of input[p] over a window.  Backward: inputGrad[p, y, x] = sum of what the windows that saw it have for it.
//
//   tasks of rows of the result          for x:  for u:  for v:  best = max(best, ..) or sum += ..
//
// A gradient gathers: each element asks the windows that reach it, so that no two tasks write one element and sums have one order.

import type { Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { pool2dCost, pool2dFacts, pool2dVariant, reachesOf } from '../../pooling.ts';
import { type Pool2dProblem, pool2dOperands } from '../../problems/pool2d.ts';
import { reachNumbers } from '../../problems/window.ts';
import { advance, assemble, loopWhileBelow, set, task } from '../assembly.ts';
import { sharedBy, sharing, sharingConstraints, unitsPerTask } from '../threading.ts';
import { elementOf, entryOf, gatherElement, LOCALS, startRow, startRows, writtenBy } from './element.ts';

export const direct: Kernel<Pool2dProblem> = {
  name: 'direct',
  op: 'pool2d',
  device: 'cpu',
  summary: 'each element of the result gathers its window, scalar by scalar',
  requires: [],
  tunables: sharing(4, 1, 2, 8),
  constraints: sharingConstraints(4),
  deterministic: true,
  facts: pool2dFacts,
  rejects: () => undefined,
  defaults: (problem, traits) => sharedBy(pool2dCost(problem), traits, 4),
  cost: pool2dCost,
  estimate: (problem) => 1e-6 + pool2dCost(problem).flops / 0.5e9,
  variant: pool2dVariant,
  generate,
  plan,
};

function plan(problem: Pool2dProblem, tunables: Tunables, traits: Traits): Plan {
  const { vertical, horizontal } = reachesOf(problem);
  const rows = problem.planes * vertical.positions;
  const perTask = unitsPerTask(rows, tunables, traits);
  return {
    passes: [
      {
        entry: 'rows',
        buffers: Object.keys(pool2dOperands(problem)),
        arguments: [rows, perTask, ...reachNumbers(vertical), ...reachNumbers(horizontal)],
        grid: [Math.ceil(rows / perTask), 1, 1],
      },
    ],
    workspace: {},
  };
}

/** A task takes rows of the result; the addresses of results move along. */
function generate(problem: Pool2dProblem): Source {
  const entry = entryOf(problem);
  const element = elementOf(problem);
  const rows = task(entry, LOCALS, (names, argument) => {
    const { row, end, x, firstX, own } = names;
    const written = writtenBy(entry, argument);
    startRows(names, argument, written);
    loopWhileBelow(row, end, 1, () => {
      startRow(names, argument);
      set(x, 0);
      loopWhileBelow(x, argument.positionsX, 1, () => {
        gatherElement(names, argument, problem.pass === 'input-grad', element);
        for (const address of written) advance(address, 4);
        advance(firstX, argument.stepX);
        advance(own, 1);
      });
    });
  });
  return assemble(`pool2d/direct/${pool2dVariant(problem)}`, { rows });
}

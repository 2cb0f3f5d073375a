// Forward: output[p, y, x] = max or average of input[p] over a window.  Backward: inputGrad[p, y, x] = sum of what the windows that saw it have for it.
//
//   a thread for each element of the result          for u:  for v:  best = max(best, ..) or sum += ..
//
// A gradient gathers: each element asks the windows that reach it, first to last, so that no atomics are needed and sums have one order. Which these are
// follows from the element's place: with windows of 3 by stride 2 one or two along an axis, where a search among the taps would take three divisions.

import type { Entry, Kernel } from '../../kernel.ts';
import { countsTaps, pool2dCost, pool2dFacts, pool2dVariant, reachesOf } from '../../pooling.ts';
import { type Pool2dProblem, pool2dOperands } from '../../problems/pool2d.ts';
import { reachNumbers } from '../../problems/window.ts';
import { unbindable } from '../binding.ts';
import { reached, reachParameters } from '../reach.ts';
import { argumentBlock, linearGrid, parameters, WORKGROUP_NUMBER } from '../wgsl.ts';

export const direct: Kernel<Pool2dProblem> = {
  name: 'direct',
  op: 'pool2d',
  device: 'webgpu',
  summary: 'one thread per element of the result, which gathers its window',
  requires: [],
  tunables: { WG: [64, 128, 256] },
  constraints: ['WG <= maxComputeInvocationsPerWorkgroup'],
  deterministic: true,
  facts: pool2dFacts,
  rejects: (problem, traits) => unbindable(pool2dOperands(problem), traits),
  defaults: () => ({ WG: 64 }),
  cost: pool2dCost,
  estimate: (problem, { limits }) =>
    limits.softwareAdapter ? 100e-6 + pool2dCost(problem).flops / 0.3e9 : 20e-6 + pool2dCost(problem).bytes / 200e9,
  variant: (problem) => `${pool2dVariant(problem)}${skipsWindows(problem) ? '/dilated' : ''}`,

  generate(problem, { WG }) {
    const entry = entryOf(problem);
    return { label: `pool2d/direct/${pool2dVariant(problem)} WG=${WG}`, code: codeOf(problem, entry, WG), entries: { pool: entry } };
  },

  plan(problem, { WG }) {
    const { vertical, horizontal } = reachesOf(problem);
    const elements = problem.planes * vertical.positions * horizontal.positions;
    return {
      passes: [
        {
          entry: 'pool',
          buffers: Object.keys(pool2dOperands(problem)),
          arguments: [elements, ...reachNumbers(vertical), ...reachNumbers(horizontal)],
          grid: linearGrid(Math.ceil(elements / WG)),
        },
      ],
      workspace: {},
    };
  },
};

function entryOf(problem: Pool2dProblem): Entry {
  const isRead = (name: string) => name === 'input' || name === 'outputGrad' || (name === 'indices' && problem.pass === 'input-grad');
  return {
    buffers: Object.keys(pool2dOperands(problem)).map((name) => ({ name, access: isRead(name) ? 'read' : 'write' })),
    arguments: [...parameters('i32', 'elements'), ...reachParameters('y'), ...reachParameters('x')],
  };
}

/** Whether windows lie over an element without reaching it. An index tells which a maximum was, so only averages need to know. */
const skipsWindows = ({ kind, pass, vertical, horizontal }: Pool2dProblem): boolean =>
  pass === 'input-grad' && kind === 'average' && (vertical.dilation > 1 || horizontal.dilation > 1);

/** What is done with element `at` that is reached, and with the result in the end. */
interface ElementCode {
  readonly take: string;
  readonly store: string;
}

const TAPS = 'f32(args.taps_y * args.taps_x)';

function elementOf({ kind, pass, ...problem }: Pool2dProblem): ElementCode {
  const isUnpadded = countsTaps({ kind, pass, ...problem });
  if (kind === 'max')
    return pass === 'forward'
      ? {
          take: `let value = input[at];
        if (found < 0 || value > result) {
          result = value;
          found = row * args.size_x + column;
        }`,
          store: 'output[number] = result;\n  indices[number] = found;',
        }
      : {
          take: 'if (indices[at] == y * args.positions_x + x) { result += outputGrad[at]; }',
          store: 'inputGrad[number] = result;',
        };
  if (pass === 'forward')
    return { take: `result += input[at];\n        found++;`, store: `output[number] = result / ${isUnpadded ? 'f32(found + 1)' : TAPS};` };
  return isUnpadded
    ? { take: `result += outputGrad[at] / f32(${inside('row', 'y')} * ${inside('column', 'x')});`, store: 'inputGrad[number] = result;' }
    : { take: 'result += outputGrad[at];', store: `inputGrad[number] = result / ${TAPS};` };
}

/** How many taps of a window lie in the input, by what an input element's reach says of windows: divisor is stride, −tap_step dilation. */
const inside = (window: string, axis: string): string =>
  `taps_inside(-args.offset_${axis} - ${window} * args.divisor_${axis}, args.positions_${axis}, -args.tap_step_${axis}, args.taps_${axis})`;

const TAPS_INSIDE = `/* first: elements from the first tap to the input; what is negative lies inside. */
fn taps_inside(first: i32, size: i32, dilation: i32, taps: i32) -> i32 {
  return min(taps, (first + size + dilation - 1) / dilation) - (max(first, 0) + dilation - 1) / dilation;
}`;

function codeOf(problem: Pool2dProblem, entry: Entry, WG: number): string {
  const { take, store } = elementOf(problem);
  const buffers = entry.buffers.map(
    ({ name, access }, binding) =>
      `@group(0) @binding(${binding}) var<storage, ${access === 'read' ? 'read' : 'read_write'}> ${name}: array<${name === 'indices' ? 'i32' : 'f32'}>;`,
  );
  return `${buffers.join('\n')}
${argumentBlock(buffers.length, entry)}
${TAPS_INSIDE}

@compute @workgroup_size(${WG})
fn pool(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let number = i32((${WORKGROUP_NUMBER}) * ${WG}u + thread);
  if (number >= args.elements) { return; }
  let x = number % args.positions_x;
  let y = number / args.positions_x % args.positions_y;
  let plane = number / args.positions_x / args.positions_y;
  var result = 0.0;
  var found = -1;
  ${problem.pass === 'forward' ? overTaps(take) : overWindows(take, skipsWindows(problem))}
  ${store}
}
`;
}

/** The elements of a window. */
const overTaps = (take: string): string => `for (var u = 0; u < args.taps_y; u++) {
    ${reached('row', 'y', 'y', 'u', false)}
    for (var v = 0; v < args.taps_x; v++) {
      ${reached('column', 'x', 'x', 'v', false)}
      let at = (plane * args.size_y + row) * args.size_x + column;
      ${take}
    }
  }`;

/** The windows over an element: from the first that ends at it or after it to the last that starts at it or before. */
function overWindows(take: string, skips: boolean): string {
  const range = (axis: string) => `let reach_${axis} = ${axis} - args.offset_${axis};
  let first_${axis} = (max(reach_${axis} + (args.taps_${axis} - 1) * args.tap_step_${axis}, 0) + args.divisor_${axis} - 1) / args.divisor_${axis};
  let last_${axis} = min(reach_${axis} / args.divisor_${axis}, args.size_${axis} - 1);`;
  const skip = (window: string, axis: string) =>
    skips ? `if ((reach_${axis} - ${window} * args.divisor_${axis}) % -args.tap_step_${axis} != 0) { continue; }` : '';
  return `${range('y')}
  ${range('x')}
  for (var row = first_y; row <= last_y; row++) {
    ${skip('row', 'y')}
    for (var column = first_x; column <= last_x; column++) {
      ${skip('column', 'x')}
      let at = (plane * args.size_y + row) * args.size_x + column;
      ${take}
    }
  }`;
}

// Slices: partial sums of every element of a result, added up in order by a second pass, which applies the epilogue.
//
//   result[e] = finished(slices[0][e] + slices[1][e] + ..)          a thread for each element

import { epilogueOperands } from '../../correlation.ts';
import type { Entry, Pass } from '../../kernel.ts';
import type { Conv2dProblem } from '../../problems/conv2d.ts';
import { windowsOf } from '../../problems/window.ts';
import { argumentBlock, linearGrid, parameters, WORKGROUP_NUMBER } from '../wgsl.ts';
import { epilogueBuffers, finish, resultOf, storage } from './product.ts';

const THREADS = 64;

/** Buffers of an entry that writes slices. */
export const partialBuffers = (...reads: readonly string[]): Entry['buffers'] => [
  ...reads.map((name) => ({ name, access: 'read' as const })),
  { name: 'slices', access: 'write' },
];

export const sliceSumEntry = (problem: Conv2dProblem): Entry => ({
  buffers: epilogueBuffers(problem, 'slices'),
  arguments: parameters('i32', 'elements', 'positions', 'filters'),
});

/** WGSL of the entry `sum_slices`. Its buffers have names of their own, since the module declares `slices` for writing. */
export function sliceSumCode(problem: Conv2dProblem, count: number): string {
  const entry = sliceSumEntry(problem);
  const own = (name: string) => (name === 'slices' ? 'summands' : name);
  return `
${entry.buffers.map(({ name, access }, binding) => storage(binding, own(name), access)).join('\n')}
${argumentBlock(entry.buffers.length, entry, 'summing')}
${finish(problem)}

@compute @workgroup_size(${THREADS})
fn sum_slices(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let element = i32((${WORKGROUP_NUMBER}) * ${THREADS} + lane);
  if (element >= summing.elements) { return; }
  var sum = 0.0;
  for (var slice = 0; slice < ${count}; slice++) { sum += summands[slice * summing.elements + element]; }
  result[element] = finished(sum, element / summing.positions % summing.filters, element);
}
`;
}

/** The pass that adds the workspace `slices` up. */
export function sliceSumPass(problem: Conv2dProblem): Pass {
  const { name, elements } = resultOf(problem);
  const positions = windowsOf(problem.vertical) * windowsOf(problem.horizontal);
  return {
    entry: 'sum_slices',
    buffers: ['slices', ...epilogueOperands(problem), name],
    arguments: [elements, positions, problem.filters],
    grid: linearGrid(Math.ceil(elements / THREADS)),
  };
}

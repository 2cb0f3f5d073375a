// Softmax of rows, and its gradient: a row is walked two or three times, but it comes from a cache after the first.
//
//   forward:      m = max x;   S = Σ exp(x − m);   y = exp(x − m) / S       log:  y = x − m − ln S
//   input-grad:   S = Σ g · y;   inputGrad = y · (g − S)                    log:  S = Σ g;   inputGrad = g − exp(y) · S
//
//   a workgroup a row; thread t takes elements t, t + WG, ..;   then a tree over the threads

import type { Entry, Kernel, Source } from '../../kernel.ts';
import { type SoftmaxProblem, softmaxOperands } from '../../problems/softmax.ts';
import { softmaxCost, softmaxFacts, softmaxVariant } from '../../softmax.ts';
import { unbindable } from '../binding.ts';
import { argumentBlock, linearGrid, parameters, WORKGROUP_NUMBER } from '../wgsl.ts';

export const rows: Kernel<SoftmaxProblem> = {
  name: 'rows',
  op: 'softmax',
  device: 'webgpu',
  summary: 'a workgroup a row; trees over its threads',
  requires: [],
  tunables: { WG: [64, 32, 128, 256] },
  constraints: ['WG <= maxComputeInvocationsPerWorkgroup'],
  deterministic: true,
  facts: softmaxFacts,
  rejects: (problem, traits) => unbindable(softmaxOperands(problem), traits),
  defaults: ({ columns }) => ({ WG: columns > 1024 ? 256 : columns > 64 ? 64 : 32 }),
  cost: softmaxCost,
  estimate: (problem, { limits }) =>
    limits.softwareAdapter ? 100e-6 + softmaxCost(problem).executedFlops / 0.5e9 : 20e-6 + softmaxCost(problem).bytes / 200e9,
  variant: softmaxVariant,
  generate: (problem, { WG }) => generate(problem, WG),
  plan: (problem) => ({
    passes: [
      {
        entry: 'rows',
        buffers: Object.keys(softmaxOperands(problem)),
        arguments: [problem.rows, problem.columns],
        grid: linearGrid(problem.rows),
      },
    ],
    workspace: {},
  }),
};

/** A fold of an expression of element `e` over the row, by all threads. */
const folded = (name: string, start: string, merge: (a: string, b: string) => string, element: string, WG: number): string => `
  var own_${name} = ${start};
  for (var e = first; e < end; e += ${WG}u) { own_${name} = ${merge(`own_${name}`, element)}; }
  shared_values[thread] = own_${name};
  for (var half = ${WG / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { shared_values[thread] = ${merge('shared_values[thread]', 'shared_values[thread + half]')}; }
  }
  workgroupBarrier();
  let ${name} = shared_values[0];
  workgroupBarrier();`;

const sum = (a: string, b: string): string => `${a} + ${b}`;

function generate(problem: SoftmaxProblem, WG: number): Source {
  const { pass, log } = problem;
  const names = Object.keys(softmaxOperands(problem));
  const result = names[names.length - 1];
  const entry: Entry = {
    buffers: names.map((name) => ({ name, access: name === result ? 'write' : 'read' })),
    arguments: parameters('u32', 'rows', 'columns'),
  };
  const variables = names.map(
    (name, i) => `@group(0) @binding(${i}) var<storage, ${name === result ? 'read_write' : 'read'}> ${name}: array<f32>;`,
  );
  const isForward = pass === 'forward';
  const folds = isForward
    ? folded('most', '-3.40282346e38', (a, b) => `max(${a}, ${b})`, 'x[e]', WG) + folded('whole', '0.0', sum, 'exp(x[e] - most)', WG)
    : folded('whole', '0.0', sum, log ? 'g[e]' : 'g[e] * y[e]', WG);
  const value = isForward
    ? log
      ? 'x[e] - most - log(whole)'
      : 'exp(x[e] - most) / whole'
    : log
      ? 'g[e] - exp(y[e]) * whole'
      : 'y[e] * (g[e] - whole)';
  const code = `${argumentBlock(names.length, entry)}
${variables.join('\n')}
var<workgroup> shared_values: array<f32, ${WG}>;

@compute @workgroup_size(${WG})
fn rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = ${WORKGROUP_NUMBER};
  if (row >= args.rows) { return; }
  let first = row * args.columns + thread;
  let end = (row + 1u) * args.columns;${folds}
  for (var e = first; e < end; e += ${WG}u) { ${result}[e] = ${value}; }
}`;
  return { label: `softmax/rows/${softmaxVariant(problem)}/${WG}`, code, entries: { rows: entry } };
}

// A kernel of one's own: npx bench tune ./docs/examples/relu.kernel.ts
//
// ReLU in WGSL, some vectors a thread. A kernel record is pure: code and plan for a problem and tunables; the tuner proves, times and remembers.

import { expression, type Kernel, type PointwiseProblem, pointwise } from 'tilebench/kernels';

const relu = expression.relu(expression.input(0));
const elementsOf = (problem: PointwiseProblem): number => problem.shape.reduce((product, size) => product * size, 1);

const kernel: Kernel<PointwiseProblem> = {
  name: 'my-relu',
  op: 'pointwise',
  device: 'webgpu',
  summary: 'ReLU alone, some vectors a thread',
  requires: [],
  tunables: { WG: [64, 32, 128, 256], EACH: [1, 2, 4, 8] },
  constraints: ['WG <= maxComputeInvocationsPerWorkgroup', 'WG * EACH <= 1024'],
  deterministic: true,
  facts: (problem) => ({ elements: elementsOf(problem) }),
  rejects: (problem) => {
    const isRelu = JSON.stringify(problem.expression) === JSON.stringify(relu) && problem.dtype === 'f32' && problem.inPlace === undefined;
    if (!isRelu) return 'it does ReLU of f32, not in place, and nothing else';
    return elementsOf(problem) % 4 === 0 && problem.shape.length === 1 ? undefined : 'it takes whole vectors of four';
  },
  defaults: () => ({ WG: 64, EACH: 1 }),
  cost: (problem) => ({ flops: elementsOf(problem), executedFlops: elementsOf(problem), bytes: 8 * elementsOf(problem) }),
  estimate: (problem) => 20e-6 + (8 * elementsOf(problem)) / 3e9,
  variant: () => 'relu/f32',
  generate: (_problem, { WG, EACH }) => ({
    label: `my-relu WG=${WG} EACH=${EACH}`,
    code: `@group(0) @binding(0) var<storage, read> x0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> vectors: u32;
@compute @workgroup_size(${WG})
fn relu(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  for (var i = id.x; i < vectors; i += groups.x * ${WG}) { out[i] = max(x0[i], vec4(0.0)); }
}
`,
    entries: {
      relu: {
        buffers: [
          { name: 'x0', access: 'read' },
          { name: 'out', access: 'write' },
        ],
        arguments: [{ name: 'vectors', type: 'u32' }],
      },
    },
  }),
  plan: (problem, { WG, EACH }) => ({
    passes: [
      {
        entry: 'relu',
        buffers: ['x0', 'out'],
        arguments: [elementsOf(problem) / 4],
        grid: [Math.ceil(elementsOf(problem) / (4 * WG * EACH)), 1, 1],
      },
    ],
    workspace: {},
  }),
};

export default kernel;

export const problems = [pointwise({ shape: [2 ** 18], inputs: [{}], expression: relu })];

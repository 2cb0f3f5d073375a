// out[4b..4b+3] = Philox4x32-10(counter + b), a thread for each counter.
//
// The same integers as on the CPU. Normal numbers go through the same logarithm and the same sine and cosine, since WGSL's own may be off by 2^-11.

import type { Entry, Kernel } from '../../kernel.ts';
import { COSINE, KEY_STEPS, MULTIPLIERS, ROUNDS, randomCost, randomFacts, randomVariant, SINE } from '../../philox.ts';
import type { RandomProblem } from '../../problems/random.ts';
import { argumentBlock, linearGrid, parameters, WORKGROUP_NUMBER } from '../wgsl.ts';

export const philox: Kernel<RandomProblem> = {
  name: 'philox',
  op: 'random',
  device: 'webgpu',
  summary: 'Philox4x32-10, a thread for each counter',
  requires: [],
  tunables: { WG: [64, 128, 256] },
  constraints: ['WG <= maxComputeInvocationsPerWorkgroup'],
  deterministic: true,
  facts: randomFacts,
  rejects: () => undefined,
  defaults: () => ({ WG: 64 }),
  cost: randomCost,
  estimate: (problem, { limits }) => 20e-6 + randomCost(problem).executedFlops / (limits.softwareAdapter ? 1e9 : 1e12),
  variant: randomVariant,
  generate: (problem, { WG }) => ({
    label: `random/philox/${randomVariant(problem)} WG=${WG}`,
    code: codeOf(problem, WG),
    entries: { fill: entryOf(problem.counted) },
  }),
  plan: ({ elements, counter, key, counted }, { WG }) => ({
    passes: [
      {
        entry: 'fill',
        buffers: counted ? ['out', 'step'] : ['out'],
        arguments: [elements, ...counter, ...key],
        grid: linearGrid(Math.ceil(elements / 4 / WG)),
      },
    ],
    workspace: {},
  }),
};

const entryOf = (counted: boolean): Entry => ({
  buffers: [{ name: 'out', access: 'write' }, ...(counted ? [{ name: 'step', access: 'read' } as const] : [])],
  arguments: parameters('u32', 'elements', 'counter0', 'counter1', 'counter2', 'counter3', 'key0', 'key1'),
});

const PHILOX = `/* The upper 32 bits of a product, by halves of 16 bits. */
fn upper(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}
fn philox(start: vec4<u32>, start_key: vec2<u32>) -> vec4<u32> {
  var c = start;
  var key = start_key;
  for (var round = 0; round < ${ROUNDS}; round++) {
    c = vec4(
      upper(c.z, ${MULTIPLIERS[1]}u) ^ c.y ^ key.x,
      c.z * ${MULTIPLIERS[1]}u,
      upper(c.x, ${MULTIPLIERS[0]}u) ^ c.w ^ key.y,
      c.x * ${MULTIPLIERS[0]}u,
    );
    key += vec2(${KEY_STEPS[0]}u, ${KEY_STEPS[1]}u);
  }
  return c;
}`;

/** ln u for 2^-24 <= u <= 1 (Cephes), and Box and Muller's transformation of two words. */
const NORMAL = `fn logarithm(u: f32) -> f32 {
  let bits = bitcast<i32>(u) - 0x3f3504f3;
  let e = f32(bits >> 23u);
  let f = bitcast<f32>((bits & 0x7fffff) + 0x3f3504f3) - 1.0;
  let z = f * f;
  var p = (((7.0376836292e-2 * f - 1.151461031e-1) * f + 1.1676998740e-1) * f - 1.2420140846e-1) * f + 1.4249322787e-1;
  p = (((p * f - 1.6668057665e-1) * f + 2.0000714765e-1) * f - 2.4999993993e-1) * f + 3.3333331174e-1;
  return f + (p * f * z + e * -2.1219444e-4 - 0.5 * z) + e * 0.693359375;
}
fn normal(bits: vec2<u32>) -> vec2<f32> {
  let radius = sqrt(-2.0 * logarithm(f32((bits.x >> 8u) + 1u) * 0x1p-24));
  let turn = f32(bits.y >> 8u) * 0x1p-22;
  let nearest = floor(turn + 0.5);
  let quarter = u32(nearest);
  let a = (turn - nearest) * ${Math.PI / 2};
  let z = a * a;
  let s = a + a * z * ((${SINE[0]} * z + ${SINE[1]}) * z + ${SINE[2]});
  let c = 1.0 - 0.5 * z + z * z * ((${COSINE[0]} * z + ${COSINE[1]}) * z + ${COSINE[2]});
  let swapped = select(vec2(c, s), vec2(s, c), (quarter & 1u) != 0u);
  let signs = vec2(1.0) - vec2<f32>((vec2(quarter + 1u, quarter) & vec2(2u)));
  return radius * signs * swapped;
}`;

const STORED: Record<RandomProblem['distribution'], string> = {
  bits: 'bitcast<vec4<i32>>(words)',
  uniform: 'vec4<f32>(words >> vec4(8u)) * 0x1p-24',
  normal: 'vec4(normal(words.xy), normal(words.zw))',
};

const codeOf = ({ distribution, counted }: RandomProblem, WG: number): string => `${argumentBlock(counted ? 2 : 1, entryOf(counted))}
@group(0) @binding(0) var<storage, read_write> out: array<${distribution === 'bits' ? 'i32' : 'f32'}>;
${counted ? '@group(0) @binding(1) var<storage, read> step: array<u32>;' : ''}
${PHILOX}
${distribution === 'normal' ? NORMAL : ''}

@compute @workgroup_size(${WG})
fn fill(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let block = (${WORKGROUP_NUMBER}) * ${WG}u + local;
  let first = block * 4u;
  if (first >= args.elements) { return; }
  let words = philox(vec4(args.counter0 + block, args.counter1${counted ? ' + step[0]' : ''}, args.counter2, args.counter3), vec2(args.key0, args.key1));
  let values = ${STORED[distribution]};
  for (var i = 0u; i < min(4u, args.elements - first); i++) { out[first + i] = values[i]; }
}
`;

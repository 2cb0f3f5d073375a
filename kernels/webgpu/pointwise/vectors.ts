// out[i] = expression(x0[i], x1[i], ..), four elements a thread where they lie aligned.
//
//   the output:   |-4-|-4-|-4-|-4-|     inputs: flat: loaded as vec4;  scalar: one load;  row, repeat, strided: an index for each element
//
// Where the element count or an offset is no multiple of four, a thread computes the elements of one word: one, two f16, or four bytes.

import { flopsOf, stepsOf } from '../../expression.ts';
import type { Entry, Kernel, Traits } from '../../kernel.ts';
import { loopShape, pointwiseCost, pointwiseFacts, pointwiseVariant } from '../../pointwise.ts';
import { accessOf, elementCount, type PointwiseProblem, pointwiseOperands } from '../../problems/pointwise.ts';
import { elementsPerStore, extensions, loads, source, target, typeName, type Width } from '../elements.ts';
import { functionsFor, hasInfiniteConstant, operation } from '../math.ts';
import { argumentBlock, linearGrid, loadsOf, parameters, storageOf, WORKGROUP_NUMBER } from '../wgsl.ts';

/** Words of a uniform block that every device has room for. */
const MAX_ARGUMENTS = 64;

export const vectors: Kernel<PointwiseProblem> = {
  name: 'vectors',
  op: 'pointwise',
  device: 'webgpu',
  summary: 'four elements a thread through all steps of the expression',
  requires: [],
  tunables: { WG: [64, 128, 256] },
  constraints: ['WG <= maxComputeInvocationsPerWorkgroup'],
  deterministic: true,
  facts: pointwiseFacts,
  rejects: (problem, { limits }) => {
    const { buffers, arguments: words } = entryOf(problem);
    if (hasInfiniteConstant(problem.expression)) return 'its expression has a constant that is not finite, which WGSL cannot write';
    if (words.length > MAX_ARGUMENTS) return `its shapes and strides take ${words.length} words, more than ${MAX_ARGUMENTS}`;
    const most = limits.maxStorageBuffersPerShaderStage;
    if (buffers.length > most) return `it has ${buffers.length} operands, more than the ${most} buffers a shader may use`;
    return problem.inPlace !== undefined && problem.inputs[problem.inPlace].dtype !== problem.dtype
      ? 'it computes in place only where the dtype stays the same'
      : undefined;
  },
  defaults: () => ({ WG: 64 }),
  cost: pointwiseCost,
  estimate: (problem, { limits }) => {
    const { executedFlops, bytes } = pointwiseCost(problem);
    return limits.softwareAdapter ? 50e-6 + executedFlops / 1e9 + bytes / 3e9 : 10e-6 + executedFlops / 1e12 + bytes / 200e9;
  },
  variant: (problem) => `${pointwiseVariant(problem)}/by${widthOf(problem)}`,
  generate,

  plan(problem, { WG }, traits) {
    const elements = elementCount(problem.shape);
    const threads = Math.ceil(elements / elementsPerStore(problem.dtype, widthOf(problem), traits));
    const shape = loopShape(problem);
    const numbers = problem.inputs.flatMap((input) => [input.offset, ...(hasIndex(problem, input) ? input.strides : [])]);
    return {
      passes: [
        {
          entry: 'elements',
          buffers: Object.keys(pointwiseOperands(problem)),
          arguments: [elements, threads, ...shape, ...numbers, ...problem.scalars],
          grid: linearGrid(Math.ceil(threads / WG)),
        },
      ],
      workspace: {},
    };
  },
};

const hasIndex = (problem: PointwiseProblem, input: PointwiseProblem['inputs'][number]): boolean =>
  !['flat', 'scalar'].includes(accessOf(problem, input));

/** 4 where the output and every flat input consist of aligned groups of four. */
const widthOf = (problem: PointwiseProblem): Width =>
  elementCount(problem.shape) % 4 === 0 && problem.inputs.every((input) => accessOf(problem, input) !== 'flat' || input.offset % 4 === 0)
    ? 4
    : 1;

/** `size0`, ..; of each input its offset and, where it is indexed, its strides; then the scalars. All in elements. */
function entryOf(problem: PointwiseProblem): Entry {
  const dimensions = loopShape(problem).map((_, d) => d);
  const numbers = problem.inputs.flatMap((input, i) => [
    `offset${i}`,
    ...(hasIndex(problem, input) ? dimensions.map((d) => `stride${i}_${d}`) : []),
  ]);
  return {
    buffers: Object.keys(pointwiseOperands(problem)).map((name) => ({ name, access: name === 'out' ? 'write' : 'read' })),
    arguments: [
      ...parameters('u32', 'elements', 'threads', ...dimensions.map((d) => `size${d}`), ...numbers),
      ...parameters('f32', ...problem.scalars.map((_, i) => `scalar${i}`)),
    ],
  };
}

/** `index_NAME(e)`: where an input keeps the element that belongs to element e of the output. */
function indexFunction(problem: PointwiseProblem, i: number): string {
  const lines = loopShape(problem).map((_, d) => `  at += rest % args.size${d} * args.stride${i}_${d}; rest /= args.size${d};`);
  return `fn index_${i}(e: u32) -> u32 {\n  var rest = e;\n  var at = args.offset${i};\n${lines.reverse().join('\n')}\n  return at;\n}`;
}

function operandsOf(problem: PointwiseProblem, entry: Entry, width: Width, traits: Traits): string {
  const bindingOf = (name: string) => entry.buffers.findIndex((buffer) => buffer.name === name);
  const inputs = problem.inputs.map((input, i) => {
    if (i === problem.inPlace) return '';
    const aligned = accessOf(problem, input) === 'flat' ? width : 1;
    const declared = source(bindingOf(`x${i}`), `x${i}`, input.dtype, aligned, traits);
    return hasIndex(problem, input) ? `${declared}\n${indexFunction(problem, i)}` : declared;
  });
  const out = target(bindingOf('out'), 'out', problem.dtype, width, traits);
  const again = problem.inPlace === undefined ? '' : inPlaceLoads(problem, width, traits);
  return [argumentBlock(entry.buffers.length, entry), ...inputs, out, again].filter(Boolean).join('\n');
}

/** Loads from the output itself, which is declared as it is stored. */
function inPlaceLoads({ dtype }: PointwiseProblem, width: Width, traits: Traits): string {
  return dtype === 'f32' || dtype === 'f16' ? loadsOf('out', storageOf(dtype, traits), width) : loads('out', dtype, width);
}

/** The steps for one element, or for four in vectors, starting at element `e`. */
function body(problem: PointwiseProblem, width: Width): string {
  return stepsOf(problem.expression)
    .map((step, s) => {
      const type = typeName(step.type, width);
      const i = step.value;
      const name = i === problem.inPlace ? 'out' : `x${i}`;
      if (step.kind === 'scalar') return `  let v${s} = ${type}(args.scalar${i});`;
      if (step.kind !== 'input')
        return `  let v${s} = ${operation(
          step,
          step.operands.map((operand) => `v${operand}`),
          width,
        )};`;
      const access = accessOf(problem, problem.inputs[i]);
      const at = (lane: number) => (access === 'scalar' ? `args.offset${i}` : `index_${i}(e + ${lane}u)`);
      if (access === 'flat') return `  let v${s} = load${width === 4 ? '4' : ''}_${name}(args.offset${i} + e);`;
      if (access === 'scalar' || width === 1) return `  let v${s} = ${type}(load_${name}(${at(0)}));`;
      return `  let v${s} = ${type}(${[0, 1, 2, 3].map((lane) => `load_${name}(${at(lane)})`).join(', ')});`;
    })
    .join('\n');
}

function generate(problem: PointwiseProblem, { WG }: Readonly<Record<string, number>>, traits: Traits) {
  const width = widthOf(problem);
  const entry = entryOf(problem);
  const count = elementsPerStore(problem.dtype, width, traits);
  const last = stepsOf(problem.expression).length - 1;
  const type = typeName(problem.expression.type, width);
  const lanes = Array.from({ length: count }, (_, lane) => `value_at(min(e + ${lane}u, args.elements - 1u))`);
  const stored = width === 4 || count === 1 ? 'value_at(e)' : `vec${count}<${problem.expression.type}>(${lanes.join(', ')})`;
  const code = `${extensions([problem.dtype, ...problem.inputs.map(({ dtype }) => dtype)], traits)}${operandsOf(problem, entry, width, traits)}
${functionsFor(problem.expression, width)}

fn value_at(e: u32) -> ${type} {
${body(problem, width)}
  return v${last};
}

@compute @workgroup_size(${WG})
fn elements(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let thread = (${WORKGROUP_NUMBER}) * ${WG}u + local;
  if (thread >= args.threads) { return; }
  let e = thread * ${count}u;
  store_out(e, ${stored});
}
`;
  return { label: `pointwise/vectors/${flopsOf(problem.expression).direct} operations WG=${WG}`, code, entries: { elements: entry } };
}

// result[row, (plane, y, x)] = Σ over q, u, v of weights[row, q, u, v] · image[q][y·step + u·tapStep − offset][x·step + v·tapStep − offset]
//
//      x0 x1 x2 x3 x4 x5      a line of the image, in registers           A thread has TM rows (filters) of TN neighbouring results in
//      └──v=0───┘             result x0..x3 takes it three times,         registers. Of each line that it reaches it loads every element
//         └──v=1───┘          shifted by a tap                            once and uses it for all taps and rows: TN + S − 1 loads of the
//            └──v=2───┘                                                   image and TM / 4 · S of weights for TN · TM · S multiply-adds.
//
// Weights come from a filter packed by blocks of TM rows, as vec4; all threads of a workgroup read the same ones. With QUAD four neighbouring threads
// load a quarter of them each and hand them round by `quadBroadcast`: on a software adapter, which gathers loads lane by lane, that is what counts.
//
// Good where channels are few, so that there is little to stage, and where memory is cheap against barriers. After the register-blocked direct
// convolution of Zhang, Franchetti & Low, "High performance zero-memory overhead direct convolutions" (2018).

import { conv2dCost, conv2dFacts, conv2dVariant, correlationOf, epilogueOperands, isDivided } from '../../correlation.ts';
import type { Entry, Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { type Conv2dProblem, conv2dOperands } from '../../problems/conv2d.ts';
import type { Reach } from '../../problems/window.ts';
import { unbindable } from '../binding.ts';
import { knobList } from '../matmul/variant.ts';
import { argumentBlock, linearGrid, lines, parameters, WORKGROUP_NUMBER } from '../wgsl.ts';
import { convSeconds } from './estimate.ts';
import { packCode, packEntry, packedBytes, packPass } from './pack-filter.ts';
import { epilogueBuffers, finish, PRODUCT_PARAMETERS, productNumbers, productOf, storage } from './product.ts';

/** Taps of a line that are unrolled at most. */
const MOST_TAPS = 16;

export const direct: Kernel<Conv2dProblem> = {
  name: 'direct',
  op: 'conv2d',
  device: 'webgpu',
  summary: 'blocks of filters by neighbours in a row, each line of the image in registers for all taps',
  requires: [],
  tunables: { WG: [64, 32, 128, 256], TM: [8, 4, 16, 32], TN: [4, 8, 2, 1], QUAD: [0, 1] },
  constraints: [
    'WG <= min(maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX)',
    'TM * TN <= 64 + 192 * softwareAdapter',
    'QUAD == 0 or TM % 16 == 0 and subgroupMinSize >= 4',
  ],
  deterministic: true,
  facts: conv2dFacts,
  rejects,
  defaults,
  cost: conv2dCost,
  estimate(problem, traits, constants = []) {
    const { WG, TM, TN } = defaults(problem, traits);
    const { rows, q } = productOf(problem);
    // On a GPU the weights of a block have to stay in the first-level cache, which those of few channels do.
    return convSeconds(problem, traits, {
      software: rows > 8 ? 6.5e9 : 4e9,
      hardware: q <= 4 ? 5000e9 : 2500e9,
      outputsPerGroup: WG * TM * TN,
      groups: workgroups(problem, { WG, TM, TN }),
      passes: constants.includes('filter') ? 1 : 2,
    });
  },
  variant: (problem) => `${conv2dVariant(problem)}/${lineShape(problem)}${hasQuads(problem) ? '/quads' : ''}`,
  generate,
  plan,
};

function rejects(problem: Conv2dProblem, traits: Traits): string | undefined {
  const { horizontal, vertical } = productOf(problem);
  if (problem.pass === 'filter-grad') return 'its weights would be the gradient of the output; naive, implicit and depthwise can do it';
  if (isDivided({ horizontal, vertical })) return 'elements of a strided input gradient reach different taps; naive and implicit can do it';
  if (horizontal.taps > MOST_TAPS) return `it unrolls the ${horizontal.taps} taps of a line, at most ${MOST_TAPS}`;
  const packed = { packed: { elements: packedBytes(problem, 4) / 4, dtype: 'f32' } as const };
  return unbindable({ ...conv2dOperands(problem), ...packed }, traits);
}

function defaults(problem: Conv2dProblem, { limits }: Traits): Tunables {
  const { rows, horizontal } = productOf(problem);
  const covered = (width: number) => Math.ceil(horizontal.positions / width) * width;
  if (!limits.softwareAdapter) return { WG: 64, TM: rows > 4 ? 8 : 4, TN: 4, QUAD: 0 };
  const TN = covered(8) <= 1.1 * covered(4) ? 8 : 4;
  return rows > 8 && limits.subgroupMinSize >= 4 ? { WG: 32, TM: 16, TN, QUAD: 1 } : { WG: 32, TM: rows > 4 ? 8 : 4, TN, QUAD: 0 };
}

/** What of the horizontal axis is unrolled into the code. */
const lineShape = (problem: Conv2dProblem): string => {
  const { taps, step, tapStep } = correlationOf(problem).horizontal;
  return `${taps}taps${tapStep}by${step}`;
};

/** Whether four neighbours of a row are an aligned vec4 of the result. */
const hasQuads = (problem: Conv2dProblem): boolean => productOf(problem).horizontal.positions % 4 === 0;

const entryOf = (problem: Conv2dProblem): Entry => ({
  buffers: epilogueBuffers(problem, 'image', 'packed'),
  arguments: [...PRODUCT_PARAMETERS, ...parameters('i32', 'blocks', 'across', 'strips', 'chunks', 'workgroups')],
});

/** Strips of TN neighbours in all planes of columns. */
const stripsOf = (problem: Conv2dProblem, TN: number): number => {
  const { planes, vertical, horizontal } = productOf(problem);
  return planes * vertical.positions * Math.ceil(horizontal.positions / TN);
};

function workgroups(problem: Conv2dProblem, { WG, TM, TN }: Tunables): number {
  const { groups, rows } = productOf(problem);
  return groups * Math.ceil(rows / TM) * Math.ceil(stripsOf(problem, TN) / WG);
}

function plan(problem: Conv2dProblem, tunables: Tunables): Plan {
  const { WG, TM, TN } = tunables;
  const product = productOf(problem);
  const { image, result } = correlationOf(problem);
  const [strips, count] = [stripsOf(problem, TN), workgroups(problem, tunables)];
  const across = Math.ceil(product.horizontal.positions / TN);
  const work = [Math.ceil(product.rows / TM), across, strips, Math.ceil(strips / WG), count];
  return {
    passes: [
      packPass(problem, TM),
      {
        entry: 'correlate',
        buffers: [image, 'packed', ...epilogueOperands(problem), result],
        arguments: [...productNumbers(product), ...work],
        grid: linearGrid(count),
      },
    ],
    workspace: { packed: packedBytes(problem, TM) },
  };
}

function generate(problem: Conv2dProblem, tunables: Tunables): Source {
  const entry = entryOf(problem);
  const storesQuads = hasQuads(problem) && tunables.TN % 4 === 0;
  const declared = entry.buffers.map(({ name, access }, binding) =>
    storage(binding, name, access, name === 'packed' || (name === 'result' && storesQuads)),
  );
  const code = `${tunables.QUAD ? 'enable subgroups;\n' : ''}${declared.join('\n')}
${argumentBlock(entry.buffers.length, entry)}
${finish(problem)}
${correlateCode(correlationOf(problem).horizontal, tunables, storesQuads)}
${packCode(tunables.TM)}`;
  const label = `conv2d/direct/${conv2dVariant(problem)}/${lineShape(problem)} ${knobList(tunables)}`;
  return { label, code, entries: { correlate: entry, pack: packEntry } };
}

function correlateCode(line: Reach, knobs: Tunables, storesQuads: boolean): string {
  const { WG, TM, TN } = knobs;
  const shifts = shiftsOf(line, TN);
  const parts = Math.ceil(TN / 4);
  // Every thread stays to the end: quads hand weights round, so a thread without a strip repeats the last one.
  return `
@compute @workgroup_size(${WG})
fn correlate(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let workgroup = i32(${WORKGROUP_NUMBER});
  if (workgroup >= args.workgroups) { return; }
  let own = workgroup % args.chunks * ${WG} + i32(lane);
  let block = workgroup / args.chunks % args.blocks;
  let g = workgroup / args.chunks / args.blocks;
  let strip = min(own, args.strips - 1);
  let x = strip % args.across * ${TN};
  let y = strip / args.across % args.positions_y;
  let plane = strip / args.across / args.positions_y;
  let first_column = x * args.step_x - args.offset_x;
  let first_row = y * args.step_y - args.offset_y;
${lines(shifts.length, (d) => `  let at_${d} = clamp(first_column + ${shifts[d]}, 0, args.size_x - 1);`)}
  var image_at = g * args.image_group + plane * args.image_plane;
  var weights_at = (g * args.blocks + block) * args.depth * args.taps_y * ${(line.taps * TM) / 4};
${lines(TM, (i) => lines(parts, (j) => `  var sum_${i}_${j} = ${vector(TN)}();`))}
  // Conditions are joined by &, not &&: the branches of many && in a row take some compilers seconds.
  for (var q = 0; q < args.depth; q++) {
    for (var u = 0; u < args.taps_y; u++) {
      let row = first_row + u * args.tap_step_y;
      let has_row = row >= 0 && row < args.size_y;
      let line = image_at + clamp(row, 0, args.size_y - 1) * args.size_x;
${lines(shifts.length, (d) => `      let x_${d} = select(0.0, image[line + at_${d}], has_row & (at_${d} == first_column + ${shifts[d]}));`)}
${lines(line.taps, (v) => tapCode(line, knobs, shifts, v))}
      weights_at += ${(line.taps * TM) / 4};
    }
    image_at += args.image_q;
  }
  if (own >= args.strips) { return; }
  let start = g * args.result_group + plane * args.result_plane + y * args.positions_x + x;
${lines(TM, (i) => storeRow(i, knobs, storesQuads))}
}`;
}

const vector = (TN: number): string => (TN === 1 ? 'f32' : `vec${Math.min(TN, 4)}<f32>`);

/** Columns that a strip reaches by all taps, counted from the first column of tap 0, each once and in order. */
const shiftsOf = ({ taps, step, tapStep }: Reach, TN: number): number[] =>
  [...new Set(Array.from({ length: TN * taps }, (_, i) => (i % TN) * step + Math.floor(i / TN) * tapStep))].sort((a, b) => a - b);

/** The multiply-adds of tap v: its weights, four rows at a time, by the shifted line. */
function tapCode({ step, tapStep }: Reach, { TM, TN, QUAD }: Tunables, shifts: number[], v: number): string {
  const weights = `w${v}`;
  const at = (quad: string) => `packed[weights_at + ${(v * TM) / 4} + ${quad}]`;
  const loads = QUAD
    ? lines(TM / 16, (i) => {
        const own = `      let ${weights}_own_${i} = ${at(`${4 * i} + i32(lane & 3)`)};`;
        return `${own}\n${lines(4, (c) => `      let ${weights}_${4 * i + c} = quadBroadcast(${weights}_own_${i}, ${c}u);`)}`;
      })
    : lines(TM / 4, (i) => `      let ${weights}_${i} = ${at(`${i}`)};`);
  const width = Math.min(TN, 4);
  const value = (j: number) => `x_${shifts.indexOf(j * step + v * tapStep)}`;
  const neighbours = (part: number) => `${vector(TN)}(${Array.from({ length: width }, (_, c) => value(4 * part + c)).join(', ')})`;
  const adds = lines(TM, (i) =>
    lines(Math.ceil(TN / 4), (j) => {
      const sum = `sum_${i}_${j}`;
      return `      ${sum} = fma(${vector(TN)}(${weights}_${Math.floor(i / 4)}.${'xyzw'[i % 4]}), ${neighbours(j)}, ${sum});`;
    }),
  );
  return `${loads}\n${adds}`;
}

function storeRow(i: number, { TM, TN }: Tunables, storesQuads: boolean): string {
  const sum = (j: number) => (TN === 1 ? `sum_${i}_0` : `sum_${i}_${Math.floor(j / 4)}.${'xyzw'[j % 4]}`);
  const value = (j: number) => `finished(${sum(j)}, row, element + ${j})`;
  const store = (j: number) =>
    storesQuads
      ? `result[(element + ${j}) / 4] = vec4(${[0, 1, 2, 3].map((c) => value(j + c)).join(', ')});`
      : `result[element + ${j}] = ${value(j)};`;
  const each = storesQuads ? 4 : 1;
  return `  if (block * ${TM} + ${i} < args.rows) {
    let row = g * args.rows + block * ${TM} + ${i};
    let element = start + (block * ${TM} + ${i}) * args.result_row;
${lines(TN / each, (s) => `    if (x + ${s * each} < args.positions_x) { ${store(s * each)} }`)}
  }`;
}

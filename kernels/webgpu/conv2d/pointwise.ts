// result = filter · image, where the window is one element: a matmul of what lies in memory, without copies.
//
//   forward       output[n]    = filter · input[n]            [K, C] · [C, H·W]          a product for each image and group
//   input-grad    inputGrad[n] = filterᵀ · outputGrad[n]      [K, C]ᵀ · [K, H·W]
//   filter-grad   filterGrad   = Σ over n of outputGrad[n] · input[n]ᵀ                   [K, H·W] · [C, H·W]ᵀ
//
// The images of a gradient of a filter, and parts of their planes, are dealt out to SPLIT slices, whose sums a second pass adds up in order. Blocks and
// staging are those of every matmul here (matmul/block.ts).

import { conv2dCost, conv2dFacts, conv2dVariant, correlationOf, epilogueOperands } from '../../correlation.ts';
import type { Entry, Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { type MatmulProblem, matmul } from '../../problem.ts';
import { type Conv2dProblem, conv2dOperands } from '../../problems/conv2d.ts';
import { unbindable } from '../binding.ts';
import { addProducts, startSums, storeBlock } from '../matmul/block.ts';
import { alignment, knobList, tileCount, tilePlace } from '../matmul/variant.ts';
import { linearGrid, parameters } from '../wgsl.ts';
import { blockKnobs, defaultBlock, PRODUCT_CONSTRAINTS, PRODUCT_TUNABLES, productOperands } from './blocks.ts';
import { convSeconds } from './estimate.ts';
import { epilogueBuffers, finish, resultOf, storage } from './product.ts';
import { sliceSumCode, sliceSumEntry, sliceSumPass } from './slices.ts';

/** Slices of positions begin at whole pieces. */
const PIECE = 16;

export const pointwise: Kernel<Conv2dProblem> = {
  name: 'pointwise',
  op: 'conv2d',
  device: 'webgpu',
  summary: '1x1 filters as a matmul over the images as they lie, without copies',
  requires: [],
  tunables: { ...PRODUCT_TUNABLES, SPLIT: [1, 2, 4, 8, 16, 32] },
  constraints: [...PRODUCT_CONSTRAINTS, 'SPLIT == 1 or filterGrad == 1 and 4 * SPLIT * outputs <= maxStorageBufferBindingSize'],
  deterministic: true,
  facts: (problem) => ({
    ...conv2dFacts(problem),
    filterGrad: Number(problem.pass === 'filter-grad'),
    outputs: resultOf(problem).elements,
  }),
  rejects,
  defaults,
  cost: (problem, { SPLIT }) => {
    const cost = conv2dCost(problem);
    return SPLIT === 1 ? cost : { ...cost, executedFlops: cost.flops + SPLIT * resultOf(problem).elements };
  },
  estimate(problem, traits) {
    const { WGX, WGY, TM, TN, SPLIT } = defaults(problem, traits);
    return convSeconds(problem, traits, {
      software: 6.5e9,
      hardware: 5500e9,
      outputsPerGroup: (WGX * WGY * TM * TN) / SPLIT,
      groups: SPLIT * tileCount(productsOf(problem), WGY * TM, WGX * TN),
      passes: SPLIT === 1 ? 1 : 2,
    });
  },
  variant: (problem) => `${conv2dVariant(problem)}/${letters(problem)}`,
  generate,
  plan,
};

function rejects(problem: Conv2dProblem, traits: Traits): string | undefined {
  for (const { window, stride, before, after } of [problem.vertical, problem.horizontal])
    if (window !== 1 || stride !== 1 || before + after > 0) return 'it does 1x1 filters with stride 1 and no padding only';
  return unbindable(conv2dOperands(problem), traits);
}

/** The products of a pass; of a filter's gradient those of one image, since their sum is what is asked for. */
function productsOf({ pass, batch, channels, filters, groups, vertical, horizontal }: Conv2dProblem): MatmulProblem {
  const [C, K, positions] = [channels / groups, filters / groups, vertical.size * horizontal.size];
  if (pass === 'filter-grad') return matmul({ batch: groups, m: K, n: C, k: positions, transposeB: true });
  const [m, k] = pass === 'forward' ? [K, C] : [C, K];
  return matmul({ batch: batch * groups, m, n: positions, k, transposeA: pass === 'input-grad' });
}

function letters(problem: Conv2dProblem): string {
  const aligned = alignment(productsOf(problem));
  return (['A', 'B', 'C'] as const).filter((name) => aligned[name]).join('') || 'unaligned';
}

function defaults(problem: Conv2dProblem, traits: Traits): Tunables {
  const product = productsOf(problem);
  const block = defaultBlock(product, traits);
  if (problem.pass !== 'filter-grad') return { ...block, SPLIT: 1 };
  const wanted = (traits.limits.softwareAdapter ? 8 : 256) / tileCount(product, block.WGY * block.TM, block.WGX * block.TN);
  const fits = (split: number) => 4 * split * resultOf(problem).elements <= traits.limits.maxStorageBufferBindingSize;
  const SPLIT = [32, 16, 8, 4, 2].find((split) => split <= wanted && problem.batch * product.k >= 128 * split && fits(split)) ?? 1;
  return { ...block, SPLIT };
}

/** `parts` of a plane, each `part` positions long, of every image; a slice takes `share` of them. */
function sharesOf(problem: Conv2dProblem, SPLIT: number): { parts: number; part: number; share: number } {
  const positions = productsOf(problem).k;
  const wanted = Math.ceil(SPLIT / problem.batch);
  const part = Math.ceil(positions / wanted / PIECE) * PIECE;
  const parts = Math.ceil(positions / part);
  return { parts, part, share: Math.ceil((problem.batch * parts) / SPLIT) };
}

const entryOf = (problem: Conv2dProblem, isSplit: boolean): Entry => ({
  buffers: isSplit
    ? [...epilogueBuffers(problem, 'A', 'B').slice(0, -1), { name: 'slices', access: 'write' }]
    : epilogueBuffers(problem, 'A', 'B'),
  arguments: parameters(
    'u32',
    'm',
    'n',
    'k',
    'tiles',
    'groups',
    ...(problem.pass === 'filter-grad' ? ['images', 'parts', 'part', 'share'] : []),
  ),
});

function plan(problem: Conv2dProblem, { SPLIT, WGX, WGY, TM, TN }: Tunables): Plan {
  const { image, weights, result } = correlationOf(problem);
  const product = productsOf(problem);
  const tiles = SPLIT * tileCount(product, WGY * TM, WGX * TN);
  const isGrad = problem.pass === 'filter-grad';
  const { parts, part, share } = sharesOf(problem, SPLIT);
  const multiply = {
    entry: 'multiply',
    buffers: [weights, image, ...epilogueOperands(problem), SPLIT > 1 ? 'slices' : result],
    arguments: [product.m, product.n, product.k, tiles, problem.groups, ...(isGrad ? [problem.batch, parts, part, share] : [])],
    grid: linearGrid(tiles),
  };
  if (SPLIT === 1) return { passes: [multiply], workspace: {} };
  return { passes: [multiply, sliceSumPass(problem)], workspace: { slices: 4 * SPLIT * resultOf(problem).elements } };
}

function generate(problem: Conv2dProblem, tunables: Tunables): Source {
  const { WGX, WGY, TM, TN, SPLIT, QUAD } = tunables;
  const isSplit = SPLIT > 1;
  const entry = entryOf(problem, isSplit);
  const knobs = blockKnobs(tunables);
  const { both, quads, code: operands } = productOperands(productsOf(problem), tunables, entry);
  const isGrad = problem.pass === 'filter-grad';
  const place = isGrad
    ? tilePlace(WGY * TM, WGX * TN, { A: '0u', B: '0u', C: 'layer' })
    : tilePlace(WGY * TM, WGX * TN, { A: 'layer % args.groups', B: 'layer', C: 'layer' });
  const products = isGrad ? overImages(addProducts(both, knobs, 'first', 'last')) : addProducts(both, knobs, '0u', 'args.k');
  const finished = (sum: string, i: number, j: number) =>
    `finished(${sum}, i32(layer % args.groups * args.m + tile_row + block_row + ${i}), i32(start + ${j}))`;
  const extra = entry.buffers.flatMap(({ name, access }, binding) =>
    name === 'bias' || name === 'residual' ? [storage(binding, name, access)] : [],
  );
  const code = `${QUAD ? 'enable subgroups;\n' : ''}${operands}
${extra.join('\n')}
${isSplit ? '' : finish(problem)}

@compute @workgroup_size(${WGX * WGY})
fn multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
${place}
${startSums(knobs)}
${products}
${storeBlock('C', 'f32', knobs, quads, isSplit ? (sum) => sum : finished)}
}
${isSplit ? sliceSumCode(problem, SPLIT) : ''}`;
  const label = `conv2d/pointwise/${conv2dVariant(problem)}/${letters(problem)} ${knobList(tunables)}`;
  return { label, code, entries: { multiply: entry, ...(isSplit ? { sum_slices: sliceSumEntry(problem) } : {}) } };
}

/** The products of every part of an image that is the slice's share. */
const overImages = (products: string): string => `let g = layer % args.groups;
let end = min((layer / args.groups + 1) * args.share, args.images * args.parts);
for (var own = layer / args.groups * args.share; own < end; own++) {
let base_A = (own / args.parts * args.groups + g) * args.m * args.k;
let base_B = (own / args.parts * args.groups + g) * args.n * args.k;
let first = own % args.parts * args.part;
let last = min(first + args.part, args.k);
${products}
}`;

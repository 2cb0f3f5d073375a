// result[row, column] = Σ over p of weights[row, p] · image[p, column], an implicit matmul: the matrix of the image is never in memory.
//
//       p ─▶             columns (plane, y, x)           Rows, columns and p are those of product.ts. A workgroup stages a piece BK deep of the
//     ┌───────┐        ┌────┬────┬────┐                  weights and of the image's matrix in its own memory, and multiplies them in register
//     │weights│    p   │    │    │    │ gathered         blocks as every matmul here does (matmul/block.ts). What is its own is the way in:
//     └───────┘    ▼   └────┴────┴────┘ from the image   element (p, column) is gathered from the image, or zero where the window lies outside.
//
// A thread gathers the same four columns of every piece, so it works out once where they are; for each p it only adds the tap's part. Where results are few
// and p is long (the gradient of a filter), p is cut into SPLIT slices, whose sums a second pass adds up in order: no atomics, and one order of additions.
//
// Implicit GEMM as in cuDNN (Chetlur et al. 2014) and CLBlast's Xconvgemm; all three passes gather, as in CUTLASS' implicit GEMM convolution.

import { conv2dCost, conv2dFacts, conv2dVariant, correlationOf, isDivided } from '../../correlation.ts';
import type { Entry, Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { type Conv2dProblem, conv2dOperands } from '../../problems/conv2d.ts';
import { unbindable } from '../binding.ts';
import { accumulate, blockDeclarations, type Sides } from '../matmul/block.ts';
import { knobList } from '../matmul/variant.ts';
import { argumentBlock, linearGrid, parameters } from '../wgsl.ts';
import { convSeconds } from './estimate.ts';
import { imageGather, weightsGather, weightsHaveQuads } from './gather.ts';
import { epilogueBuffers, finish, PRODUCT_PARAMETERS, productNumbers, productOf, resultOf, storage } from './product.ts';
import { partialBuffers, sliceSumCode, sliceSumEntry, sliceSumPass } from './slices.ts';
import { PLACE_PARAMETERS, placeNumbers, productPlace, storeColumns, tilesOf } from './tile.ts';

export const implicit: Kernel<Conv2dProblem> = {
  name: 'implicit',
  op: 'conv2d',
  device: 'webgpu',
  summary: 'register-blocked matmul whose image matrix is gathered while it is staged; long sums in slices',
  requires: [],
  tunables: {
    WGX: [8, 16, 4],
    WGY: [8, 16, 4],
    TM: [4, 8, 2],
    TN: [4, 8],
    BK: [16, 8, 32],
    KU: [4, 1],
    PAD: [4, 0],
    SPLIT: [1, 2, 4, 8, 16, 32, 64],
  },
  constraints: [
    '16 <= WGX * WGY <= min(maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX)',
    // Every thread gathers the same columns of each piece.
    '4 * WGY % TN == 0',
    '16 <= WGY * TM <= 128 and 16 <= WGX * TN <= 128',
    'TM * TN + TM + TN <= 96',
    '4 * ((BK + PAD) * WGY * TM + BK * (WGX * TN + PAD)) <= maxComputeWorkgroupStorageSize',
    'SPLIT == 1 or 4 * SPLIT * outputs <= maxStorageBufferBindingSize',
  ],
  deterministic: true,
  facts: (problem) => ({ ...conv2dFacts(problem), outputs: resultOf(problem).elements }),
  rejects: (problem, traits) => unbindable(conv2dOperands(problem), traits),
  defaults,
  cost(problem, { SPLIT }) {
    const cost = conv2dCost(problem);
    return SPLIT === 1 ? cost : { ...cost, executedFlops: cost.flops + SPLIT * resultOf(problem).elements };
  },
  estimate(problem, traits) {
    const knobs = defaults(problem, traits);
    const { WGX, WGY, TM, TN, SPLIT } = knobs;
    return convSeconds(problem, traits, {
      software: 1e9,
      hardware: 4500e9,
      outputsPerGroup: (WGX * WGY * TM * TN) / SPLIT,
      groups: tilesOf(problem, knobs) * SPLIT,
      passes: SPLIT === 1 ? 1 : 2,
    });
  },
  variant: (problem) => `${conv2dVariant(problem)}/${alignmentOf(problem)}`,
  generate,
  plan,
};

/** Aligned vec4: of the weights along p, and of the result along a row. */
function alignmentOf(problem: Conv2dProblem): string {
  const letters = `${weightsHaveQuads(problem) ? 'W' : ''}${productOf(problem).positions % 4 === 0 ? 'R' : ''}`;
  return letters === '' ? 'unaligned' : letters;
}

const depthOf = (problem: Conv2dProblem): number => {
  const { q, taps } = productOf(problem);
  return q * taps;
};

/** Tiles that grow with the result, and slices until the device is full, as long as each has some hundred steps. */
function defaults(problem: Conv2dProblem, traits: Traits): Tunables {
  const { limits } = traits;
  const { rows } = productOf(problem);
  const small = { WGX: 8, WGY: 8, TM: 4, TN: 4, BK: 16, KU: 4, PAD: 4 };
  const large = { WGX: 16, WGY: 16, TM: 4, TN: 4, BK: 16, KU: 4, PAD: 4 };
  const block = !limits.softwareAdapter && rows >= 48 && tilesOf(problem, large) >= 256 ? large : small;
  const wanted = (limits.softwareAdapter ? 8 : 256) / tilesOf(problem, block);
  const fits = (split: number) => 4 * split * resultOf(problem).elements <= limits.maxStorageBufferBindingSize;
  const SPLIT = [64, 32, 16, 8, 4, 2].find((split) => split <= wanted && depthOf(problem) >= 128 * split && fits(split)) ?? 1;
  return { ...block, SPLIT };
}

const entryOf = (problem: Conv2dProblem, isSplit: boolean): Entry => ({
  buffers: isSplit ? partialBuffers('image', 'weights') : epilogueBuffers(problem, 'image', 'weights'),
  arguments: [
    ...PRODUCT_PARAMETERS,
    ...PLACE_PARAMETERS,
    ...parameters('i32', 'weights_row', 'weights_group', 'weights_q', 'steps', 'slice'),
  ],
});

function plan(problem: Conv2dProblem, tunables: Tunables): Plan {
  const { SPLIT, BK } = tunables;
  const { image, weights } = correlationOf(problem);
  const product = productOf(problem);
  const steps = depthOf(problem);
  // Slices of whole pieces keep quads together.
  const slice = Math.ceil(steps / SPLIT / BK) * BK;
  const tiles = SPLIT * tilesOf(problem, tunables);
  const isSplit = SPLIT > 1;
  const multiply = {
    entry: 'multiply',
    buffers: [
      image,
      weights,
      ...(isSplit ? ['slices'] : epilogueBuffers(problem).map(({ name }) => (name === 'result' ? resultOf(problem).name : name))),
    ],
    arguments: [
      ...productNumbers(product),
      ...placeNumbers(problem, tiles),
      ...[product.weights.row, product.weights.group, product.weights.q, steps, slice],
    ],
    grid: linearGrid(tiles),
  };
  if (!isSplit) return { passes: [multiply], workspace: {} };
  return { passes: [multiply, sliceSumPass(problem)], workspace: { slices: 4 * SPLIT * resultOf(problem).elements } };
}

function sidesOf(problem: Conv2dProblem, { WGX, WGY, TM, TN, BK, PAD }: Tunables): Sides {
  const threads = WGX * WGY;
  const common = { aligned: true, staged: true, shared: false };
  return [
    {
      ...{ name: 'A', outer: 'm', tileStart: 'tile_row', blockStart: 'block_row', ...common },
      ...{ block: TM, tile: WGY * TM, alongP: true, stagedStride: BK + PAD },
      gather: weightsGather(problem, { tile: WGY * TM, stride: BK + PAD, BK, threads }),
    },
    {
      ...{ name: 'B', outer: 'n', tileStart: 'tile_column', blockStart: 'block_column', ...common },
      ...{ block: TN, tile: WGX * TN, alongP: false, stagedStride: WGX * TN + PAD },
      gather: imageGather({ tile: WGX * TN, stride: WGX * TN + PAD, BK, threads }),
    },
  ];
}

function generate(problem: Conv2dProblem, tunables: Tunables): Source {
  const { WGX, WGY, SPLIT } = tunables;
  const isSplit = SPLIT > 1;
  const entry = entryOf(problem, isSplit);
  const both = sidesOf(problem, tunables);
  const quads = productOf(problem).positions % 4 === 0;
  const isWide = (name: string) => (name === 'weights' ? weightsHaveQuads(problem) : quads && (name === 'result' || name === 'slices'));
  const code = `${entry.buffers.map(({ name, access }, binding) => storage(binding, name, access, isWide(name))).join('\n')}
${argumentBlock(entry.buffers.length, entry)}
${isSplit ? '' : finish(problem)}
${gatheredCode(isDivided(correlationOf(problem)))}
${blockDeclarations(both, tunables)}

@compute @workgroup_size(${WGX * WGY})
fn multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
${productPlace(tunables)}
let first = u32(min(layer / args.groups * args.slice, args.steps));
let last = u32(min(i32(first) + args.slice, args.steps));
${accumulate(both, tunables, 'first', 'last')}
${storeColumns(isSplit ? 'slices' : 'result', tunables, quads)}
}
${isSplit ? sliceSumCode(problem, SPLIT) : ''}`;
  const label = `conv2d/implicit/${conv2dVariant(problem)}/${alignmentOf(problem)} ${knobList(tunables)}`;
  return { label, code, entries: { multiply: entry, ...(isSplit ? { sum_slices: sliceSumEntry(problem) } : {}) } };
}

/** `gathered(plane, y, x)`: the element that a column reaches by a tap, before it is divided by a stride; zero where there is none. */
const gatheredCode = (divided: boolean): string => `fn gathered(plane: i32, y: i32, x: i32) -> f32 {
  let row = ${divided ? 'y / args.divisor_y' : 'y'};
  let column = ${divided ? 'x / args.divisor_x' : 'x'};
  let inside = (y >= 0) & (x >= 0) & (row < args.size_y) & (column < args.size_x)${
    divided ? ' & (row * args.divisor_y == y) & (column * args.divisor_x == x)' : ''
  };
  return select(0.0, image[plane + clamp(row, 0, args.size_y - 1) * args.size_x + clamp(column, 0, args.size_x - 1)], inside);
}`;

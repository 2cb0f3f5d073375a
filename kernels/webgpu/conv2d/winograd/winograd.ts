// result = Aᵀ [Σ over channels of (G g Gᵀ) ⊙ (Bᵀ d B)] A, Winograd's F(2x2, 3x3): 16 products for 2x2 results instead of 36.
//
//   filter ──G──▶ U ──┐  16 matrices                      A tile of 4x4 of the image gives 2x2 of the result. For each of the tile's 16
//   image ──Bᵀ──▶ V ──┴─ matmul ─▶ M ──Aᵀ──▶ result       elements the sum over channels is a matrix product, rows x channels times
//                                                         channels x tiles, done in register blocks as every matmul here (matmul/block.ts).
//
// The filter is transformed by a pass that does nothing else. Images go through in steps, so that V and M stay within what can be bound. The gradient of a
// filter is F(3x3, 2x2) over the same tiles: U is the output's gradient, and the sum goes over tiles, in slices that the last pass adds up in order.
//
// Lavin & Gray, "Fast algorithms for convolutional neural networks" (2016). It loses up to two bits against plain sums, hence the error factor.

import { conv2dCost, conv2dFacts, conv2dVariant, correlationOf, epilogueOperands } from '../../../correlation.ts';
import type { Cost, Kernel, Pass, Plan, Source, Traits, Tunables } from '../../../kernel.ts';
import { type Conv2dProblem, conv2dOperands } from '../../../problems/conv2d.ts';
import { unbindable } from '../../binding.ts';
import { knobList } from '../../matmul/variant.ts';
import { secondsAt } from '../../pace.ts';
import { defaultBlock, PRODUCT_CONSTRAINTS, PRODUCT_TUNABLES } from '../blocks.ts';
import { productOf } from '../product.ts';
import { multiplyCode, multiplyEntry, multiplyPass, productsOf, productTiles } from './products.ts';
import { filterGradStage, filterStage, gradStage, imageStage, resultStage, type Stage, stageGrid } from './stages.ts';
import { type Tiling, tiledProblem, tilingOf } from './tiles.ts';

/** Images of a step, where nothing else bounds them. */
const MOST_IMAGES = 64;

export const winograd2: Kernel<Conv2dProblem> = {
  name: 'winograd2',
  op: 'conv2d',
  device: 'webgpu',
  summary: 'F(2x2, 3x3): tiles transformed into 16 matrix products, in steps of images',
  requires: [],
  tunables: {
    ...PRODUCT_TUNABLES,
    SPLIT: [1, 2, 4, 8, 16],
    /** Images of a step at most. */
    IMAGES: [64, 1, 2, 4, 8, 16],
  },
  constraints: [
    ...PRODUCT_CONSTRAINTS,
    'SPLIT == 1 or filterGrad == 1',
    'filterGrad == 0 or 4 * SPLIT * max((N + IMAGES - 1) // IMAGES, steps) * slot <= maxStorageBufferBindingSize',
  ],
  deterministic: true,
  errorFactor: 4,
  facts,
  rejects,
  defaults,
  cost,
  estimate,
  variant: (problem) => `${conv2dVariant(problem)}${tilingOf(problem, MOST_IMAGES).depth % 4 === 0 ? '/quads' : ''}`,
  generate,
  plan,
};

/** Least steps, and elements of M in a slot. */
function facts(problem: Conv2dProblem): Record<string, number> {
  const { steps, elements } = tilingOf(problem, MOST_IMAGES);
  return { ...conv2dFacts(problem), filterGrad: Number(problem.pass === 'filter-grad'), steps, slot: elements.M };
}

/** Elements of M: of a step, or with slots for each step where they are added up in the end. */
function sumsOf(problem: Conv2dProblem, { IMAGES, SPLIT }: Tunables): number {
  const { elements, steps } = tilingOf(problem, IMAGES);
  return problem.pass === 'filter-grad' ? SPLIT * steps * elements.M : elements.M;
}

function rejects(problem: Conv2dProblem, traits: Traits): string | undefined {
  for (const { window, stride, dilation } of [problem.vertical, problem.horizontal])
    if (window !== 3 || stride !== 1 || dilation !== 1) return 'it does 3x3 filters with stride and dilation 1 only';
  const { U, V } = tilingOf(problem, MOST_IMAGES).elements;
  const sums = sumsOf(problem, { IMAGES: MOST_IMAGES, SPLIT: 1 });
  const workspace = Object.entries({ U, V, M: sums }).map(([name, elements]) => [name, { elements, dtype: 'f32' } as const]);
  return unbindable({ ...conv2dOperands(problem), ...Object.fromEntries(workspace) }, traits);
}

/** Blocks as in matmul; slices of the tiles until the device is full. */
function defaults(problem: Conv2dProblem, traits: Traits): Tunables {
  const { limits } = traits;
  const steps = { SPLIT: 1, IMAGES: MOST_IMAGES };
  const block = { ...defaultBlock(productsOf(problem, steps), traits), ...steps };
  if (problem.pass !== 'filter-grad') return block;
  const wanted = (limits.softwareAdapter ? 8 : 256) / productTiles(problem, block);
  const fits = (SPLIT: number) => 4 * sumsOf(problem, { ...block, SPLIT }) <= limits.maxStorageBufferBindingSize;
  const { pitch } = tilingOf(problem, MOST_IMAGES);
  return { ...block, SPLIT: [16, 8, 4, 2].find((split) => split <= wanted && pitch >= 64 * split && fits(split)) ?? 1 };
}

/** Tiles transformed: of the image, and of the result or the output's gradient. */
function tilesOf(problem: Conv2dProblem): { image: number; result: number } {
  const { groups, rows, depth, across, down, images } = tilingOf(problem, MOST_IMAGES);
  const tiles = across * down * images;
  return { image: groups * depth * tiles, result: groups * rows * tiles };
}

/** Adds of a transform: 32 for a tile of the image, 24 back to 2x2; of a filter, 28 operations. */
function cost(problem: Conv2dProblem): Cost {
  const { groups, rows, depth } = tilingOf(problem, MOST_IMAGES);
  const { image, result } = tilesOf(problem);
  const products = 2 * 16 * image * rows;
  return { ...conv2dCost(problem), executedFlops: products + 32 * image + 24 * result + 28 * groups * rows * depth };
}

/** Products at a matmul's rate, and the transformed tiles written and read once each. */
function estimate(problem: Conv2dProblem, traits: Traits, constants: readonly string[] = []): number {
  const knobs = defaults(problem, traits);
  const { image, result } = tilesOf(problem);
  const { m, n, batch } = productsOf(problem, knobs);
  const { steps } = tilingOf(problem, knobs.IMAGES);
  const products = secondsAt({ flops: 32 * image * productOf(tiledProblem(problem)).rows, outputs: batch * m * n * steps }, traits, {
    software: 6e9,
    hardware: 5000e9,
    outputsPerGroup: (knobs.WGX * knobs.WGY * knobs.TM * knobs.TN) / knobs.SPLIT,
    groups: steps * productTiles(problem, knobs),
    passes: 3 * steps + (constants.includes('filter') ? 0 : 1),
  });
  // On a software adapter there is a millisecond of compiling to earn back, as elsewhere.
  const [elementsPerSecond, compiling] = traits.limits.softwareAdapter ? [0.9e9, 1e-3] : [100e9, 0];
  return compiling + products + (36 * (image + result)) / elementsPerSecond;
}

const stagesOf = (problem: Conv2dProblem): Readonly<Record<string, Stage>> =>
  problem.pass === 'filter-grad'
    ? { transform_image: imageStage(), transform_grad: gradStage(), transform_filter_grad: filterGradStage() }
    : {
        transform_filter: filterStage(problem.pass === 'input-grad'),
        transform_image: imageStage(),
        transform_result: resultStage(problem),
      };

function generate(problem: Conv2dProblem, tunables: Tunables): Source {
  const stages = stagesOf(problem);
  const code = Object.values(stages).map((stage) => stage.code);
  const entries = Object.fromEntries(Object.entries(stages).map(([name, { entry }]) => [name, entry]));
  return {
    label: `conv2d/winograd2/${conv2dVariant(problem)} ${knobList(tunables)}`,
    code: `${tunables.QUAD ? 'enable subgroups;\n' : ''}${multiplyCode(problem, tunables)}${code.join('')}`,
    entries: { ...entries, multiply: multiplyEntry },
  };
}

function plan(problem: Conv2dProblem, tunables: Tunables): Plan {
  const tiling = tilingOf(problem, tunables.IMAGES);
  const { U, V } = tiling.elements;
  const isFilterGrad = problem.pass === 'filter-grad';
  const steps = Array.from({ length: tiling.steps }, (_, step) => stepPasses(problem, tunables, tiling, step)).flat();
  const slots = tunables.SPLIT * tiling.steps;
  return {
    passes: isFilterGrad ? [...steps, filterGradPass(tiling, slots)] : [filterPass(problem, tiling), ...steps],
    workspace: { U: 4 * U, V: 4 * V, M: 4 * sumsOf(problem, tunables) },
  };
}

function filterPass(problem: Conv2dProblem, { groups, rows, depth }: Tiling): Pass {
  const { weights } = productOf(problem);
  const threads = groups * rows * depth;
  return {
    entry: 'transform_filter',
    prepares: 'filter',
    buffers: ['filter', 'U'],
    arguments: [threads, rows, depth, weights.row, weights.group, weights.q],
    grid: stageGrid(threads),
  };
}

const filterGradPass = ({ groups, rows, depth }: Tiling, slots: number): Pass => ({
  entry: 'transform_filter_grad',
  buffers: ['M', 'filterGrad'],
  arguments: [groups * rows * depth, slots],
  grid: stageGrid(groups * rows * depth),
});

/** The passes over a step's images. */
function stepPasses(problem: Conv2dProblem, tunables: Tunables, tiling: Tiling, step: number): Pass[] {
  const { groups, rows, depth, across, down, pitch, stepImages, images } = tiling;
  const { image, result, vertical, horizontal } = productOf(tiledProblem(problem));
  const first = step * stepImages;
  const place = [pitch, first, Math.min(stepImages, images - first), across, down];
  // Where taps go backwards, the tile starts at the last.
  const [y, x] = [vertical, horizontal].map(({ offset, tapStep }) => Math.min(0, 2 * tapStep) - offset);
  const names = correlationOf(problem);
  const ofImage: Pass = {
    entry: 'transform_image',
    buffers: [names.image, 'V'],
    arguments: [groups * depth * pitch, ...place, image.plane, image.q, y, x, vertical.extent, horizontal.extent],
    grid: stageGrid(groups * depth * pitch),
  };
  const [height, width] = [vertical.positions, horizontal.positions];
  const threads = groups * rows * pitch;
  if (problem.pass === 'filter-grad') {
    const ofGrad: Pass = {
      entry: 'transform_grad',
      buffers: ['outputGrad', 'U'],
      arguments: [threads, ...place, result.plane, result.row, 0, 0, height, width],
      grid: stageGrid(threads),
    };
    return [ofImage, ofGrad, multiplyPass(problem, tunables, step)];
  }
  const ofResult: Pass = {
    entry: 'transform_result',
    buffers: ['M', ...epilogueOperands(problem), names.result],
    arguments: [threads, ...place, result.plane, height, width],
    grid: stageGrid(threads),
  };
  return [ofImage, multiplyPass(problem, tunables, step), ofResult];
}

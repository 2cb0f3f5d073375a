// How a Winograd convolution is cut into tiles, matrices and steps; and how large its workspace is.
//
//   V[16][channels][tiles]   the image's tiles, transformed         a step takes as many images as the workspace has room for,
//   U[16][rows][channels]    the filter                             and their tiles are columns side by side
//   M[16][rows][tiles]       their products, element by element
//
// Rows of tiles are filled up with zero tiles to whole quads. In the gradient of a filter, U is the output's gradient [16][filters][tiles], and
// M[slot][16][filters][channels] is kept for every step and slice of the tiles, to be added up by the last pass.

import { correlationOf } from '../../../correlation.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import { productOf } from '../product.ts';

/** Bytes of a step's V or M at most: what every WebGPU device can bind. */
const STEP_BYTES = 128 * 2 ** 20;

export interface Tiling {
  readonly groups: number;
  /** Of a group: filters (channels in an input gradient), and what is summed over: channels (filters). */
  readonly rows: number;
  readonly depth: number;
  /** Tiles of an image, across and down. */
  readonly across: number;
  readonly down: number;
  readonly images: number;
  /** Images of a step, and steps. */
  readonly stepImages: number;
  readonly steps: number;
  /** Elements from one row of tiles of a step to the next: its tiles in whole quads. */
  readonly pitch: number;
  /** Elements of U, V and M; M is without slots. */
  readonly elements: { readonly U: number; readonly V: number; readonly M: number };
}

/** The correlation whose windows are tiled: a filter's gradient goes over those of its forward pass. */
export const tiledProblem = (problem: Conv2dProblem): Conv2dProblem =>
  problem.pass === 'filter-grad' ? { ...problem, pass: 'forward' } : problem;

const pitchOf = (tiles: number): number => Math.ceil(tiles / 4) * 4;

/** The tiling with at most `mostImages` images in a step. */
export function tilingOf(problem: Conv2dProblem, mostImages: number): Tiling {
  const { groups, rows, q, planes } = productOf(tiledProblem(problem));
  const { vertical, horizontal } = correlationOf(tiledProblem(problem));
  const [down, across] = [Math.ceil(vertical.positions / 2), Math.ceil(horizontal.positions / 2)];
  const widest = groups * Math.max(rows, q);
  const room = STEP_BYTES / (4 * 16 * widest);
  // At least one image, whether there is room for it or not; `rejects` looks after that.
  const most = Math.min(mostImages, Math.max(1, Math.floor((room - 3) / (down * across))));
  const steps = Math.ceil(planes / most);
  const stepImages = Math.ceil(planes / steps);
  const pitch = pitchOf(stepImages * down * across);
  const isFilterGrad = problem.pass === 'filter-grad';
  const elements = {
    U: 16 * groups * rows * (isFilterGrad ? pitch : q),
    V: 16 * groups * q * pitch,
    M: 16 * groups * rows * (isFilterGrad ? q : pitch),
  };
  return { groups, rows, depth: q, across, down, images: planes, stepImages, steps, pitch, elements };
}

// Where the taps of a depthwise convolution lie in rows of the image that were copied with zeros around them.
//
//   step 1     . . a b c d e . .          one part                     `left` zeros, the row, zeros up to whole vectors
//   step 2     . a c e .  | . b d .       two parts, every other       so that neighbours of the result read neighbours of a part
//
// With step 1, taps lie alike in rows of the image itself; only what lies before and after them is not zero there.
// All numbers here depend on window, stride and padding, not on the image: code is generated for them.

import { type Correlation, correlationOf } from '../../../correlation.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import { type Phase, phasesOf } from '../phases.ts';

/** Elements of the result that a vector loop computes at a time: two vectors of four, which the engine may fuse. */
export const LANES = 8;

/** A tap of a row or column of the window: its number, and what it reads: `at` elements on in part `part` (columns) or `at` rows down (rows). */
export interface PlacedTap {
  readonly tap: number;
  readonly at: number;
  readonly part: number;
}

export interface Geometry {
  /** Parts that rows are copied in. */
  readonly parts: 1 | 2;
  /** Zeros before the first column, in elements of the image. */
  readonly left: number;
  /** The first row of the image that row 0 of the result reads: 0 or less. */
  readonly top: number;
  readonly stepY: number;
  /** Rows of the image that `rows` rows of the result reach. */
  rowsFor(rows: number): number;
  /** Taps by phase of the result's rows, and of its columns. */
  readonly down: readonly (readonly PlacedTap[])[];
  readonly across: readonly (readonly PlacedTap[])[];
  readonly phasesY: readonly Phase[];
  readonly phasesX: readonly Phase[];
  /** The most elements that a tap lies after the first. */
  readonly reachX: number;
  /** Whether neighbours of the result read neighbours of the image, so that rows need no copy except near the top and the bottom. */
  readonly direct: boolean;
}

/** Smallest and largest distance of a tap from position · step; [0, 0] where there are no taps. */
function span(phases: readonly Phase[]): readonly [number, number] {
  const ends = phases.filter(({ taps }) => taps > 0).flatMap(({ taps, shift, shiftStep }) => [shift, shift + (taps - 1) * shiftStep]);
  return ends.length === 0 ? [0, 0] : [Math.min(...ends), Math.max(...ends)];
}

export function geometryOf(problem: Conv2dProblem, correlation: Correlation = correlationOf(problem)): Geometry {
  // Phases of an axis so short that some have no positions are generated all the same: code does not depend on sizes.
  const every = (reach: Correlation['vertical']) => phasesOf({ ...reach, positions: Math.max(reach.positions, reach.divisor) });
  const [phasesY, phasesX] = [every(correlation.vertical), every(correlation.horizontal)];
  const [[top, bottom], [first, last]] = [span(phasesY), span(phasesX)];
  const left = Math.max(0, -first);
  const stepX = phasesX[0].step;
  const placed = (phase: Phase, from: number, parts: number): PlacedTap[] =>
    Array.from({ length: phase.taps }, (_, j) => {
      const at = phase.shift + j * phase.shiftStep + from;
      return { tap: phase.firstTap + j * phase.everyTap, at: Math.floor(at / parts), part: at % parts };
    });
  return {
    ...{ parts: stepX === 2 ? 2 : 1, left, top, stepY: phasesY[0].step, phasesY, phasesX },
    rowsFor: (rows) => (rows - 1) * phasesY[0].step + bottom - top + 1,
    down: phasesY.map((phase) => placed(phase, -top, 1)),
    across: phasesX.map((phase) => placed(phase, left, stepX)),
    reachX: left + Math.max(0, last),
    direct: stepX === 1 && phasesX.length === 1 && phasesY.length === 1,
  };
}

/** Bytes of a part of a copied row of `width` elements, for `columns` columns of a phase of the result: vectors may reach past the last. */
export const partBytes = ({ reachX, left, parts }: Geometry, columns: number, width: number): number =>
  4 * (LANES + Math.max(Math.ceil(columns / LANES) * LANES + reachX, Math.ceil((left + width) / parts)));

/** Why a convolution is no depthwise one that the kernels do; undefined where it is. */
export function notDepthwise({ pass, channels, filters, groups, vertical, horizontal }: Conv2dProblem): string | undefined {
  if (groups !== channels) return `it has ${channels / groups} channels in a group, expected 1`;
  if (pass === 'input-grad' && filters !== groups) return `${filters / groups} filters in a group add up to one gradient, expected 1`;
  if (vertical.window * horizontal.window > 49) return `its window has ${vertical.window * horizontal.window} taps, expected at most 49`;
  if (horizontal.stride > 2 || vertical.stride > 2) return `its stride is ${vertical.stride}x${horizontal.stride}, expected at most 2`;
  if (horizontal.dilation > 1 || vertical.dilation > 1) return 'its window is dilated';
  const [most, odd] = [Math.max(horizontal.before, vertical.before), horizontal.window - horizontal.before];
  return most >= 16 || odd < -16 ? `it is padded by ${most} elements, expected less than 16` : undefined;
}

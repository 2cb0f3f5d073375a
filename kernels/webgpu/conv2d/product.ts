// A pass of a convolution as a product of matrices, one for each group:  result[row, column] = Σ over p of weights[row, p] · image[p, column].
//
//              rows               columns: (plane, y, x)            p: (q, u, v)
//   forward       filters of a group   (image, window)                 (channel, tap)
//   input-grad    channels of a group  (image, element)                (filter, tap)
//   filter-grad   filters of a group   (channel of the group, tap)     (image, window)
//
// Nothing of it lies in memory as a matrix but the weights of the forward pass: this file says at which offsets the elements are, and lets every kernel
// of matrices do all three passes.

import { type Correlation, correlationOf, epilogueOperands } from '../../correlation.ts';
import type { Entry } from '../../kernel.ts';
import { type Conv2dProblem, conv2dOperands } from '../../problems/conv2d.ts';
import { reachNumbers } from '../../problems/window.ts';
import { reachParameters } from '../reach.ts';
import { parameters } from '../wgsl.ts';

/** Elements from one row, plane of columns, group or q to the next, in an operand. */
interface Offsets {
  readonly row: number;
  readonly plane: number;
  readonly group: number;
  readonly q: number;
}

export interface Product extends Pick<Correlation, 'vertical' | 'horizontal' | 'q'> {
  readonly groups: number;
  readonly rows: number;
  /** Planes of columns, and columns of a plane. */
  readonly planes: number;
  readonly positions: number;
  /** Steps of p for each q. */
  readonly taps: number;
  readonly image: Offsets;
  readonly weights: Offsets;
  readonly result: Offsets;
}

export function productOf(problem: Conv2dProblem): Product {
  const correlation = correlationOf(problem);
  const { a, b, q, vertical, horizontal, groupOf, perGroup, imageSteps, weightSteps } = correlation;
  const positions = vertical.positions * horizontal.positions;
  const common = { vertical, horizontal, q, groups: problem.groups, rows: perGroup, positions, taps: vertical.taps * horizontal.taps };
  if (groupOf === 'a')
    return {
      ...common,
      planes: b,
      image: { row: 0, plane: imageSteps.b, group: imageSteps.g, q: imageSteps.q },
      weights: { row: weightSteps.a, plane: 0, group: perGroup * weightSteps.a, q: weightSteps.q },
      result: { row: b * positions, plane: positions, group: perGroup * b * positions, q: 0 },
    };
  return {
    ...common,
    planes: a,
    image: { row: 0, plane: imageSteps.a, group: imageSteps.g, q: imageSteps.q },
    weights: { row: weightSteps.b, plane: 0, group: perGroup * weightSteps.b + weightSteps.g, q: weightSteps.q },
    result: { row: positions, plane: b * positions, group: perGroup * positions, q: 0 },
  };
}

/** The operand that is written. */
export function resultOf(problem: Conv2dProblem): { readonly name: string; readonly elements: number } {
  const name = correlationOf(problem).result;
  return { name, elements: conv2dOperands(problem)[name].elements };
}

/** Parameters that say where the elements of a product are, in the order of `productNumbers`. */
export const PRODUCT_PARAMETERS: Entry['arguments'] = [
  ...parameters('i32', 'rows', 'planes', 'depth', 'image_plane', 'image_group', 'image_q', 'result_row', 'result_plane', 'result_group'),
  ...reachParameters('y'),
  ...reachParameters('x'),
];

export const productNumbers = ({ rows, planes, q, image, result, vertical, horizontal }: Product): number[] => [
  ...[rows, planes, q, image.plane, image.group, image.q, result.row, result.plane, result.group],
  ...reachNumbers(vertical),
  ...reachNumbers(horizontal),
];

/** Buffers of an entry that ends in the epilogue, in binding order: what it reads, the operands of the epilogue, the result. */
export const epilogueBuffers = (problem: Conv2dProblem, ...reads: readonly string[]): Entry['buffers'] => [
  ...[...reads, ...epilogueOperands(problem)].map((name) => ({ name, access: 'read' as const })),
  { name: 'result', access: 'write' },
];

/** `finished(sum, row, element)`: what is stored for a sum of products; `row` counts rows over all groups, `element` is flat in the result. */
export const finish = ({
  epilogue: { bias, residual, relu },
}: Conv2dProblem): string => `fn finished(sum: f32, row: i32, element: i32) -> f32 {
  let value = sum${bias ? ' + bias[row]' : ''}${residual ? ' + residual[element]' : ''};
  return ${relu ? 'max(value, 0.0)' : 'value'};
}`;

/** Storage of f32 elements, `quads` as vec4. */
export const storage = (binding: number, name: string, access: 'read' | 'write', quads = false): string =>
  `@group(0) @binding(${binding}) var<storage, ${access === 'read' ? 'read' : 'read_write'}> ${name}: array<${quads ? 'vec4<f32>' : 'f32'}>;`;

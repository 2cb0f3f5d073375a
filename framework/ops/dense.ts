// Dense operands: kernels that know no strides get their inputs as views where one fits, else through one copy.

import { input } from '../../kernels/expression.ts';
import { bytesPerElement, pointwise, valueTypeOf } from '../../kernels/index.ts';
import type { Layout } from '../layout.ts';
import type { Step } from '../op.ts';
import { type Shape, sizeOf } from '../shape.ts';

/** The step that copies a strided tensor, operand `from`, into dense order, operand `to`. */
export function copyStep(
  { shape, dtype, strides, offset }: Pick<Layout, 'shape' | 'dtype' | 'strides' | 'offset'>,
  from: number,
  to: number,
): Step {
  const expression = input(0, valueTypeOf(dtype));
  return { problem: pointwise({ shape, inputs: [{ dtype, strides, offset }], expression, dtype }), bind: { x0: from, out: to } };
}

/** Collects the steps of a lowering, with copies of inputs that do not lie as the kernel needs them. */
export class DenseInputs {
  readonly steps: Step[] = [];
  readonly temporaries: number[] = [];
  #first: number;

  /** `inputs` is how many inputs the op has. */
  constructor(inputs: number) {
    this.#first = inputs + 1;
  }

  /** The number of a fresh temporary of `bytes` bytes. */
  temporary(bytes: number): number {
    return this.#first + this.temporaries.push(Math.ceil(bytes / 4) * 4) - 1;
  }

  /** Operand `index` in dense order: itself where it lies so already. */
  dense(layout: Layout, index: number): number {
    return layout.dense ? index : this.copy(layout, index);
  }

  /** A dense copy of operand `index` as seen through a layout. */
  copy(layout: Pick<Layout, 'shape' | 'dtype' | 'strides' | 'offset'>, index: number): number {
    const to = this.temporary(sizeOf(layout.shape as Shape) * bytesPerElement(layout.dtype));
    this.steps.push(copyStep(layout, index, to));
    return to;
  }
}

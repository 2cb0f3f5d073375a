// Dense operands: kernels that know no strides get their inputs as views where one fits, else through one copy.

import { bytesPerElement, copy } from '../../kernels/index.ts';
import type { Layout } from '../layout.ts';
import type { Step, View } from '../op.ts';
import { denseStrides, sizeOf } from '../shape.ts';

/** A layout as far as copying goes: it need not be interned. */
export type Source = Pick<Layout, 'shape' | 'dtype' | 'strides' | 'offset'>;

/** The step that copies a strided tensor, operand `from`, into a region of operand `to`; dense from its start if no region is given. */
export function copyStep(
  { shape, dtype, strides, offset }: Source,
  from: number,
  to: number,
  region: View = { strides: denseStrides(shape), offset: 0 },
): Step {
  const problem = copy({ shape, from: { strides, offset }, to: region, elementBytes: bytesPerElement(dtype) });
  return { problem, bind: { x0: from, out: to } };
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
  copy(layout: Source, index: number): number {
    const to = this.temporary(sizeOf(layout.shape) * bytesPerElement(layout.dtype));
    this.steps.push(copyStep(layout, index, to));
    return to;
  }
}

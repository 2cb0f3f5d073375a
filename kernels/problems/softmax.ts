// A softmax problem turns each row of [rows, columns] into probabilities or their logarithms, or it is the gradient of that.
//
//   forward:      y = exp(x − m) / Σ exp(x − m), m the largest of the row;    log: y = x − m − ln Σ exp(x − m)
//   input-grad:   inputGrad = y · (g − Σ g · y);                              log: inputGrad = g − exp(y) · Σ g

import type { Extent } from '../dtype.ts';

/** Dense f32 operands of [rows, columns]: forward reads `x` and writes `y`; input-grad reads `y` and `g` and writes `inputGrad`. */
export interface SoftmaxProblem {
  readonly op: 'softmax';
  readonly pass: 'forward' | 'input-grad';
  readonly log: boolean;
  readonly rows: number;
  readonly columns: number;
}

/** A checked softmax problem; forward and no logarithm if left out. Throws a RangeError that names the bad value. */
export function softmax(options: Pick<SoftmaxProblem, 'rows' | 'columns'> & Partial<SoftmaxProblem>): SoftmaxProblem {
  const { rows, columns, log = false, pass = 'forward' } = options;
  for (const [name, value] of Object.entries({ rows, columns }))
    if (!Number.isInteger(value) || value < 1) throw new RangeError(`softmax: ${name} is ${value}, expected a whole number from 1`);
  if (rows * columns > 2 ** 30) throw new RangeError(`softmax: [${rows}, ${columns}] has more than 2^30 elements`);
  return { op: 'softmax', pass, log, rows, columns };
}

/** Inputs first, the result last. */
export function softmaxOperands({ pass, rows, columns }: SoftmaxProblem): Record<string, Extent> {
  const image: Extent = { elements: rows * columns, dtype: 'f32' };
  return pass === 'forward' ? { x: image, y: image } : { y: image, g: image, inputGrad: image };
}

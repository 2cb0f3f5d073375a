// Clipping: gradients made smaller together where they are too large together, so that one bad step does not throw a net far away (Pascanu et al. 2013).

import type { Value } from '../op.ts';
import { add, div, minimum, mul, sqrt, square } from '../ops/pointwise.ts';
import { sum } from '../ops/reduce.ts';
import { checkSetting } from './descent.ts';

/**
 * `gradients` times min(1, limit / norm), where norm is that of all of them as one vector; 1e-6 is added to it, so that it may be 0, as PyTorch does.
 *
 * Of tensors or nodes. Throws a RangeError for a limit below 0 or no gradients.
 */
export function clippedByNorm<V extends Value>(gradients: readonly V[], limit: number): V[] {
  checkSetting('clippedByNorm', 'limit', limit);
  if (gradients.length === 0) throw new RangeError('clippedByNorm: got no gradients, expected at least one');
  const squares = gradients.map((gradient) => sum(square<V>(gradient)));
  const norm = sqrt<V>(squares.reduce((total, each) => add<V>(total, each)));
  const factor = minimum<V>(div<V>(limit, add<V>(norm, 1e-6)), 1);
  return gradients.map((gradient) => mul<V>(gradient, factor));
}

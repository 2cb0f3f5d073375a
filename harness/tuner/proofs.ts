// Proofs are the problems that a candidate must get right before it is timed: the timed one, and small ones of the same kind whose sizes divide no tile.
//
// Of the small ones one is ragged in every dimension. The other keeps whatever divides a size of the timed problem by four, since kernels have other code for
// that: it is ragged within the same variant. Sizes up to 8 stay as they are; there are kernels for just these.

import { accessOf, type CopyProblem, denseStrides, type PointwiseProblem, type Problem } from '../../kernels/problem.ts';
import type { Axis } from '../../kernels/problems/window.ts';

/** How one size of the timed problem becomes a small one, at most `prime` or a little more. */
type Shrink = (size: number, prime: number) => number;

const SMALL = 8;

const ragged: Shrink = (size, prime) => (size <= SMALL ? size : Math.min(prime, size % 2 === 0 ? size - 1 : size));
/** Divisible by four where the size is, and never by eight. */
const aligned: Shrink = (size, prime) =>
  size <= SMALL || size % 4 !== 0 ? ragged(size, prime) : Math.min(size, 8 * Math.ceil(prime / 8) + 4);

/** The small problems beside `problem`: ragged everywhere, and ragged within its variant; none for ops without sizes of their own. */
export function proofsBeside(problem: Problem): Problem[] {
  const found = [ragged, aligned].map((shrink) => shrunk(problem, shrink)).filter((small) => small !== undefined);
  return [...new Map(found.map((small) => [JSON.stringify(small), small])).values()];
}

function shrunk(problem: Problem, shrink: Shrink): Problem | undefined {
  switch (problem.op) {
    case 'matmul':
      return {
        ...problem,
        batch: Math.min(problem.batch, 2),
        m: shrink(problem.m, 61),
        n: shrink(problem.n, 67),
        k: shrink(problem.k, 139),
      };
    case 'conv2d': {
      const { groups, channels, filters } = problem;
      // A filter to each channel stays that; other groups become two.
      const few = Math.min(groups, groups === channels ? 5 : 2);
      return {
        ...problem,
        batch: Math.min(problem.batch, 2),
        groups: few,
        channels: few * shrink(channels / groups, 13),
        filters: few * shrink(filters / groups, 17),
        vertical: shrunkAxis(problem.vertical, shrink, 11),
        horizontal: shrunkAxis(problem.horizontal, shrink, 15),
      };
    }
    case 'pool2d':
      return {
        ...problem,
        planes: Math.min(problem.planes, 5),
        vertical: shrunkAxis(problem.vertical, shrink, 13),
        horizontal: shrunkAxis(problem.horizontal, shrink, 23),
      };
    case 'reduce':
      return { ...problem, outer: shrink(problem.outer, 7), reduced: shrink(problem.reduced, 67), inner: shrink(problem.inner, 37) };
    case 'moments':
      return { ...problem, outer: shrink(problem.outer, 11), channels: shrink(problem.channels, 7), inner: shrink(problem.inner, 37) };
    case 'softmax':
      return { ...problem, rows: shrink(problem.rows, 11), columns: shrink(problem.columns, 131) };
    case 'pointwise':
    case 'copy':
      return shrunkLines(problem, shrink);
    case 'gather':
    case 'scatterAdd':
      return { ...problem, rows: shrink(problem.rows, 37), width: shrink(problem.width, 29), count: shrink(problem.count, 53) };
    case 'random':
      return { ...problem, elements: shrink(problem.elements, 1031) };
    case 'fma':
    case 'stream':
      return undefined;
  }
}

/** An axis with fewer elements, but enough for a window. */
function shrunkAxis(axis: Axis, shrink: Shrink, prime: number): Axis {
  const least = (axis.window - 1) * axis.dilation + 1;
  return { ...axis, size: Math.min(axis.size, Math.max(least, shrink(axis.size, prime))) };
}

/** Fewer lines and shorter ones. What is dense stays so; other strides stay, and the smaller region lies inside of the larger one. */
function shrunkLines<P extends PointwiseProblem | CopyProblem>(problem: P, shrink: Shrink): P {
  const { shape } = problem;
  const primes = [...[5, 7, 11, 13, 17].slice(0, shape.length - 1), 331];
  const small = shape.map((size, d) => shrink(size, primes[d]));
  if (problem.op === 'copy') return { ...problem, shape: small };
  const inputs = problem.inputs.map((input) => (accessOf(problem, input) === 'flat' ? { ...input, strides: denseStrides(small) } : input));
  return { ...problem, shape: small, inputs };
}

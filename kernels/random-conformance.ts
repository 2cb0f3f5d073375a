// What every random kernel must pass: the published words of Philox4x32-10, and the reference's numbers for odd counts, streams and steps.

import type { Device } from './device.ts';
import type { AnyKernel, Tunables } from './kernel.ts';
import { randomReference } from './philox.ts';
import { type RandomProblem, random, randomOperands } from './problems/random.ts';
import { trial } from './trial.ts';

/** Counter, key and words of Random123's kat_vectors, `philox4x32 10`. */
export const KNOWN_ANSWERS = [
  {
    counter: [0, 0, 0, 0],
    key: [0, 0],
    words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
] as const;

export function* awkwardDraws(): Generator<RandomProblem> {
  for (const { counter, key } of KNOWN_ANSWERS) yield { op: 'random', distribution: 'bits', elements: 4, counter, key, counted: false };
  for (const distribution of ['bits', 'uniform', 'normal'] as const) {
    yield random({ distribution, elements: 1, seed: 7 });
    yield random({ distribution, elements: 2039, seed: 2 ** 40 + 5, stream: 2 ** 33 + 1, step: 9 });
    yield random({ distribution, elements: 19, seed: 5, step: 2 ** 32 - 2, counted: true });
  }
}

/** Normal numbers are within 8 units in the last place of their radius; all others are exact. */
const NORMAL_ERROR = 8 * 2 ** -23;

/** What a counted problem finds in `step`: large enough to wrap around with the step above. */
const STEP = 7;

/** Runs a kernel on a problem; throws an Error that shows the first wrong element. Returns the result. */
export async function checkRandom(
  device: Device,
  kernel: AnyKernel,
  problem: RandomProblem,
  tunables?: Tunables,
): Promise<ArrayLike<number>> {
  const { out } = await trial(
    device,
    kernel,
    problem,
    { extents: randomOperands(problem), values: { step: Int32Array.of(STEP) }, outputs: ['out'] },
    tunables,
  );
  randomReference(problem, problem.counted ? STEP : 0).forEach((expected, i) => {
    const bound = problem.distribution === 'normal' ? NORMAL_ERROR * Math.max(1, Math.abs(expected)) : 0;
    if (!(Math.abs(out[i] - expected) <= bound)) throw new Error(`element ${i} is ${out[i]}, expected ${expected} within ${bound}`);
  });
  return out;
}

// Random numbers of a pass over data: by seed, epoch and index, never by who draws them or when.

import { seededRandom } from '../../kernels/random.ts';

/** Numbers in [0, 1) for one sample, the same ones for the same seed, epoch and index, whoever draws them. */
export function drawsOf(seed: number, epoch: number, index: number): () => number {
  let state = seed | 0;
  for (const part of [epoch, index]) state = (seededRandom(state ^ Math.imul(part + 1, 0x9e3779b1))() * 2 ** 32) | 0;
  return seededRandom(state);
}

/** Numbers for the order of an epoch, apart from those of every sample. */
export const orderDraws = (seed: number, epoch: number): (() => number) => drawsOf(seed, epoch, -1);

// Philox4x32-10 (Salmon et al. 2011), its constants and its plain form; and what random kernels have in common, whatever their device.

import type { Cost } from './kernel.ts';
import type { RandomProblem } from './problems/random.ts';

export const ROUNDS = 10;
export const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
/** What the key grows by each round: the golden ratio and √3 - 1 (Weyl sequences). */
export const KEY_STEPS = [0x9e3779b9, 0xbb67ae85] as const;

/** Polynomials of Cephes for sin and cos of a at most π/4: sin a = a + a³ p(a²), cos a = 1 - a²/2 + a⁴ p(a²). */
export const SINE = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1] as const;
export const COSINE = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2] as const;

/** The four random words of a counter under a key. */
export function philox(counter: readonly number[], key: readonly number[]): number[] {
  const word = (value: bigint): number => Number(value & 0xffffffffn);
  let [a, b, c, d] = counter;
  let [k, l] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const p = BigInt(a) * BigInt(MULTIPLIERS[0]);
    const q = BigInt(c) * BigInt(MULTIPLIERS[1]);
    [a, b, c, d] = [(word(q >> 32n) ^ b ^ k) >>> 0, word(q), (word(p >> 32n) ^ d ^ l) >>> 0, word(p)];
    [k, l] = [(k + KEY_STEPS[0]) >>> 0, (l + KEY_STEPS[1]) >>> 0];
  }
  return [a, b, c, d];
}

/** Every element of a random problem, in float64; `step` is what a counted problem reads. */
export function randomReference({ distribution, elements, key, counter }: RandomProblem, step = 0): number[] {
  const values: number[] = [];
  for (let block = 0; 4 * block < elements; block++) {
    const words = philox([(counter[0] + block) >>> 0, (counter[1] + step) >>> 0, ...counter.slice(2)], key);
    values.push(...(distribution === 'normal' ? [...boxMuller(words[0], words[1]), ...boxMuller(words[2], words[3])] : words.map(plain)));
  }
  return values.slice(0, elements);

  function plain(word: number): number {
    return distribution === 'bits' ? word | 0 : (word >>> 8) * 2 ** -24;
  }
}

function boxMuller(first: number, second: number): [number, number] {
  const radius = Math.sqrt(-2 * Math.log(((first >>> 8) + 1) * 2 ** -24));
  const angle = 2 * Math.PI * (second >>> 8) * 2 ** -24;
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

/** What the code of a random kernel depends on. */
export const randomVariant = ({ distribution, counted }: RandomProblem): string => (counted ? `${distribution}+step` : distribution);

export const randomFacts = ({ elements }: RandomProblem): Record<string, number> => ({ elements });

/** Philox takes about 18 operations a word; Box and Muller's transformation about 30 more. */
export const randomCost = ({ elements, distribution }: RandomProblem): Cost => ({
  flops: elements,
  executedFlops: elements * (distribution === 'normal' ? 48 : 18),
  bytes: 4 * elements,
});

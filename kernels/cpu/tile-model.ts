// How the time of a kernel made of register tiles depends on its tunables, so that the likeliest are measured first. Rough: only the order matters.
//
//   a step along k of a tile:   MR · V multiply-adds, V vectors across NR, and as long as 5 more for loads, latency and the loop
//   more accumulators and operands than there are vector registers: 1.4 times as long
//
// Fitted by eye to exhaustive searches of 64 to 512 (harness/tuner/recordings): within 6 % of them for the tiles that spill nothing, 0.85 to 1.1 for those that do.

import type { Traits, Tunables } from '../kernel.ts';
import { threadsOf } from './threading.ts';

const OVERHEAD = 5;
/** Vector registers that V8 leaves. */
const REGISTERS = 15;
const SPILLING = 1.4;
/** Multiply-adds a second, 128-bit vectors or fused pairs of them alike. */
const RATE = 7.5e9;
/** What unrolling less than by 4 costs. */
const UNROLLED: Readonly<Record<number, number>> = { 1: 1.08, 2: 1.02 };

/** Seconds of one thread for `steps` steps along k of a tile of MR by NR. */
function tileSeconds({ MR, NR, KU }: Tunables, steps: number, { features }: Traits): number {
  const lanes = features.has('revectorize') ? 8 : 4;
  const across = Math.ceil(NR / lanes);
  // Without fused multiply-add each product needs a place of its own.
  const registers = MR * across + across + (features.has('relaxed-simd') ? 1 : 2);
  const spilling = registers > REGISTERS ? SPILLING : 1;
  return ((MR * across + OVERHEAD) * spilling * (UNROLLED[KU] ?? 1) * steps) / RATE;
}

/** A matrix product of `rows` x `columns` x `depth`, `count` times, as tiles cut it. */
export interface TiledProduct {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly count: number;
}

/** Bytes a second at which sums are put down and taken up again between slabs of k, and seconds for threads to meet there. */
const SUMS_RATE = 40e9;
const MEETING = 10e-6;

/** Rough seconds of a product whose sums are continued every `slab` steps. */
export function productSeconds({ rows, columns, depth, count }: TiledProduct, tunables: Tunables, traits: Traits, slab = depth): number {
  const { MR, NR } = tunables;
  const tiles = count * Math.ceil(rows / MR) * Math.ceil(columns / NR);
  const slabs = Math.ceil(depth / slab);
  const seconds = tiles * tileSeconds(tunables, depth, traits) + ((slabs - 1) * 8 * count * rows * columns) / SUMS_RATE;
  const threads = 'THREADS' in tunables ? threadsOf(tunables, traits) : traits.limits.threads;
  // A kernel that is cut for one thread wakes nobody.
  return seconds / threads + (threads > 1 ? slabs * MEETING : 0);
}

// A kernel is one way to compute an op on one kind of device. This file defines the record that every kernel is.
//
// A record has no state and touches no device: `generate` and `plan` are pure functions, so that the framework, the harness, the tuner and
// the tests all see the same kernel, and a kernel of the user's own is used like ours.

import type { Op, Problem } from './problem.ts';
import type { Identity } from './tuned/entry.ts';

export type DeviceKind = 'cpu' | 'webgpu';

/** The knobs of a kernel with their chosen values: tile sizes, unrolling, packing, workgroup shape. */
export type Tunables = Readonly<Record<string, number>>;

/** The values that each knob may take, first the one that is right most often. */
export type TunableSpace = Readonly<Record<string, readonly number[]>>;

/** What a device can do, as far as generating code needs to know. */
export interface Traits {
  /** Names of features: `simd`, `relaxed-simd`, `revectorize`, `threads` on CPU; WebGPU's own names there. */
  readonly features: ReadonlySet<string>;
  /** Numeric limits by name: `threads`, `l1Bytes`, `l2Bytes`, `l3Bytes` on CPU; WebGPU's own names there. */
  readonly limits: Readonly<Record<string, number>>;
  /** Where true, kernels that lose accuracy are not chosen on this device; see `Kernel.errorFactor`. */
  readonly deterministic?: boolean;
  /** Who the device is, for tuned tables; where nothing is said, only what holds everywhere applies. */
  readonly identity?: Identity;
}

/** Operations and bytes of a problem as a kernel does it: what its time is divided by. */
export interface Cost {
  /** Floating-point operations of the direct algorithm, so that algorithms compare. */
  readonly flops: number;
  /** Operations really executed, where the algorithm does more or fewer than the direct one. */
  readonly executedFlops: number;
  /** Bytes that must move at least once: each input read, each output written. */
  readonly bytes: number;
  /** Bytes of the memory they lie in, where that is less: what is read and written in place is moved twice. */
  readonly footprint?: number;
}

export type ScalarType = 'u32' | 'i32' | 'f32';

/** How one entry point of a program is called. */
export interface Entry {
  /** Buffers in binding order; `read` promises that the entry never writes them. */
  readonly buffers: readonly { readonly name: string; readonly access: 'read' | 'write' }[];
  /** Scalar arguments in order, after the buffers. */
  readonly arguments: readonly { readonly name: string; readonly type: ScalarType }[];
}

/** Generated code: a WebAssembly module or a WGSL module, with its entry points. */
export interface Source {
  /** Who it is, for error messages and profiles: kernel, variant and tunables. */
  readonly label: string;
  readonly code: Uint8Array<ArrayBuffer> | string;
  readonly entries: Readonly<Record<string, Entry>>;
}

export type Grid = readonly [x: number, y: number, z: number];

/** One dispatch: an entry point over a grid of independent tasks (CPU: tasks claimed by threads; WebGPU: workgroups). */
export interface Pass {
  readonly entry: string;
  /**
   * The operand that this pass does nothing but turn into workspace. Where a launch holds it for constant, the pass runs once: no other pass may write that
   * workspace.
   */
  readonly prepares?: string;
  /** The operand or workspace that each buffer of the entry is bound to. */
  readonly buffers: readonly string[];
  readonly arguments: readonly number[];
  readonly grid: Grid;
}

/** Everything a launch does, in order. Passes run one after another; the tasks of one pass in any order. */
export interface Plan {
  readonly passes: readonly Pass[];
  /** Scratch buffers by name, in bytes; their contents are undefined when the first pass starts. */
  readonly workspace: Readonly<Record<string, number>>;
}

export interface Kernel<P extends Problem = Problem> {
  /** Unique among the kernels of its op and device; a noun of the field: `naive`, `packed`, `gemv`. */
  readonly name: string;
  readonly op: P['op'];
  readonly device: DeviceKind;
  /** One line for `bench list`: the idea, in words. */
  readonly summary: string;
  /** Features that the device must have. */
  readonly requires: readonly string[];
  readonly tunables: TunableSpace;
  /** Expressions of `constraint.ts` over tunables, the device's limits and `facts(problem)`; all must hold. */
  readonly constraints: readonly string[];
  /** False where the order of additions depends on timing; such kernels are never chosen unasked. */
  readonly deterministic: boolean;
  /**
   * How many times the error bound of plain sums, (terms + 4) · 2^-23 of the sum of the terms' magnitudes, its errors may reach; 1 if absent. A kernel with
   * more loses accuracy (Winograd) and is not chosen where `deterministic` is asked for.
   */
  readonly errorFactor?: number;
  /** What the constraints may know about the problem: sizes and flags as numbers. */
  facts(problem: P): Readonly<Record<string, number>>;
  /** Why this kernel cannot do the problem, or undefined if it can. */
  rejects(problem: P, traits: Traits): string | undefined;
  defaults(problem: P, traits: Traits): Tunables;
  cost(problem: P, tunables: Tunables): Cost;
  /**
   * Rough seconds on a device with these traits, to choose among kernels before anything is measured; only the order matters. What prepares an operand that
   * is among `constants` is not counted.
   */
  estimate(problem: P, traits: Traits, constants?: readonly string[]): number;
  /** Rough seconds with these tunables, to choose what tuning measures first; only the order matters. Absent where nothing is known of that. */
  model?(problem: P, tunables: Tunables, traits: Traits): number;
  /** What of the problem the code depends on, as a key: transposes, epilogue, dtypes, alignment class; never the sizes. */
  variant(problem: P): string;
  /** Code for the problem's variant; the same bytes for every problem of that variant. */
  generate(problem: P, tunables: Tunables, traits: Traits): Source;
  plan(problem: P, tunables: Tunables, traits: Traits): Plan;
}

/** The key of a program: everything that its code depends on. */
export function programKey(kernel: Kernel, problem: Problem, tunables: Tunables, traits: Traits): string {
  const knobs = Object.keys(tunables)
    .sort()
    .map((name) => `${name}=${tunables[name]}`)
    .join(',');
  return `${kernel.device}/${kernel.op}/${kernel.name}/${kernel.variant(problem)}/${knobs}/${[...traits.features].sort().join('+')}`;
}

/** A kernel of any op, for lists over several ops. Methods are bivariant, so every Kernel<P> is one. */
export type AnyKernel = Kernel<Problem>;
export type { Op, Problem };

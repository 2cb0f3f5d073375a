// An arm is one side of a comparison: our kernel, the same kernel under other flags, a peer library, a function of a suite.
// It lives in a child process of its own, so that neither JIT feedback nor memory leaks from one side to another.

import type { DeviceKind } from '../kernels/kernel.ts';

export interface Arm {
  /** The column `arm`: `ours:packed@cpu/2`, `ours:naive@webgpu`, or the name of a peer or a function. */
  readonly name: string;
  readonly kind: 'kernel' | 'peer' | 'function';
  readonly device: DeviceKind;
  /** Absent where threads are not ours to choose: WebGPU, functions that do not say. */
  readonly threads?: number;
  /** Absent: the kernel that the catalogue chooses for each case. */
  readonly kernel?: string;
  readonly peer?: string;
  /** Whether our WebAssembly is compiled under the V8 flags that suit it, or under V8's own. Only the CPU device looks at it. */
  readonly flags: 'tuned' | 'default';
  /** What revision of the code it runs; the parent's own if absent. */
  readonly revision?: ArmRevision;
  /** Share of calls that it makes twice: a slowdown of known size, for the selftest. */
  readonly extraCalls?: number;
}

/** One side of a comparison of revisions. */
export interface ArmRevision {
  /** Arms of one side share a process. */
  readonly side: string;
  /** The arm's name within its side, as the suite knows it. */
  readonly arm: string;
  /** Folder of the package whose kernels, framework and suites it runs. */
  readonly package: string;
  /** The suite as this side loads it: a name, or the URL of its own module. */
  readonly suite: string;
}

/** The arm of a kernel of ours; `defaultFlags` makes it the second arm that shows what V8's flag brings. */
export function kernelArm(kernel: string, device: DeviceKind, threads?: number, defaultFlags = false): Arm {
  const place = device === 'cpu' ? `cpu/${threads}` : device;
  return {
    name: `ours:${kernel}@${place}${defaultFlags ? '/default-flags' : ''}`,
    kind: 'kernel',
    device,
    threads: device === 'cpu' ? threads : undefined,
    kernel,
    flags: defaultFlags ? 'default' : 'tuned',
  };
}

/** The arm of a peer library. Where a run has it with `several` thread counts, the count is part of the name. */
export function peerArm(peer: string, device: DeviceKind, threads: number | undefined, several: boolean): Arm {
  return { name: several ? `${peer}@cpu/${threads}` : peer, kind: 'peer', device, threads, peer, flags: 'default' };
}

export const functionArm = (name: string, device: DeviceKind = 'cpu', threads?: number): Arm => ({
  name,
  kind: 'function',
  device,
  threads,
  flags: 'default',
});

// Devices that a run may be on, and with how many threads.

import { availableParallelism } from 'node:os';
import type { DeviceKind } from '../kernels/kernel.ts';

export { type DeviceOptions, openDevice } from '../kernels/open.ts';

export const deviceKinds: readonly DeviceKind[] = ['cpu', 'webgpu'];

/** Thread counts that are measured unless `--threads` says otherwise: one, and all. */
export const defaultThreads = (): number[] => [...new Set([1, availableParallelism()])];

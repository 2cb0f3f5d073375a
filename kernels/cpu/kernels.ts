// The kernels of the CPU device, in catalogue order.

import type { AnyKernel } from '../kernel.ts';

export const cpuKernels: readonly AnyKernel[] = [];

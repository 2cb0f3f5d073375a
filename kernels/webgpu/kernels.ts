// The kernels of the WebGPU device, in catalogue order.

import type { AnyKernel } from '../kernel.ts';

export const webgpuKernels: readonly AnyKernel[] = [];

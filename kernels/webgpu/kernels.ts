// The kernels of the WebGPU device, in catalogue order.

import type { AnyKernel } from '../kernel.ts';
import { naive } from './matmul/naive.ts';
import { register } from './matmul/register.ts';

export const webgpuKernels: readonly AnyKernel[] = [naive, register];

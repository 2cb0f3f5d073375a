// The kernels of the CPU device, in catalogue order: plain before clever.

import type { AnyKernel } from '../kernel.ts';
import { blocked } from './blocked.ts';
import { direct } from './direct.ts';
import { gemv } from './gemv.ts';
import { naive } from './naive.ts';
import { packed } from './packed.ts';
import { roofKernels } from './roof.ts';

export const cpuKernels: readonly AnyKernel[] = [naive, blocked, gemv, direct, packed, ...roofKernels];

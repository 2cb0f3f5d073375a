// The kernels of the CPU device, in catalogue order: plain before clever.

import type { AnyKernel } from '../kernel.ts';
import { depthwise } from './conv2d/depthwise/depthwise.ts';
import { direct as directConv2d } from './conv2d/direct.ts';
import { im2col } from './conv2d/im2col.ts';
import { naive as naiveConv2d } from './conv2d/naive.ts';
import { pointwise as pointwiseConv2d } from './conv2d/pointwise.ts';
import { winograd2, winograd4 } from './conv2d/winograd/kernels.ts';
import { rows } from './copy/rows.ts';
import { transpose } from './copy/transpose.ts';
import { gatherRows, scatterAddRows } from './gather/rows.ts';
import { blocked } from './matmul/blocked.ts';
import { direct } from './matmul/direct.ts';
import { gemv } from './matmul/gemv.ts';
import { naive } from './matmul/naive.ts';
import { packed } from './matmul/packed.ts';
import { rows as moments } from './moments/rows.ts';
import { vectors as pointwise } from './pointwise/vectors.ts';
import { direct as pool2d } from './pool2d/direct.ts';
import { scatter } from './pool2d/scatter.ts';
import { vectors as poolVectors } from './pool2d/vectors.ts';
import { philox } from './random/philox.ts';
import { vectors as reduce } from './reduce/vectors.ts';
import { roofKernels } from './roof.ts';
import { rows as softmax } from './softmax/rows.ts';

export const cpuKernels: readonly AnyKernel[] = [
  naive,
  blocked,
  gemv,
  direct,
  packed,
  naiveConv2d,
  directConv2d,
  depthwise,
  pointwiseConv2d,
  im2col,
  winograd2,
  winograd4,
  pool2d,
  poolVectors,
  scatter,
  pointwise,
  reduce,
  moments,
  softmax,
  rows,
  transpose,
  philox,
  gatherRows,
  scatterAddRows,
  ...roofKernels,
];

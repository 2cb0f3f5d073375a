// The kernels of the WebGPU device, in catalogue order: plain before clever.

import type { AnyKernel } from '../kernel.ts';
import { depthwise } from './conv2d/depthwise/depthwise.ts';
import { direct as directConv2d } from './conv2d/direct.ts';
import { implicit } from './conv2d/implicit.ts';
import { naive as naiveConv2d } from './conv2d/naive.ts';
import { pointwise } from './conv2d/pointwise.ts';
import { winograd2 } from './conv2d/winograd/winograd.ts';
import { elements } from './copy/elements.ts';
import { transpose } from './copy/transpose.ts';
import { gatherRows, scatterAddChains } from './gather/rows.ts';
import { gemv } from './matmul/gemv.ts';
import { naive } from './matmul/naive.ts';
import { register } from './matmul/register.ts';
import { splitk } from './matmul/splitk.ts';
import { subgroup } from './matmul/subgroup.ts';
import { tiled } from './matmul/tiled.ts';
import { tree as moments } from './moments/tree.ts';
import { vectors } from './pointwise/vectors.ts';
import { direct as pool2d } from './pool2d/direct.ts';
import { philox } from './random/philox.ts';
import { tree } from './reduce/tree.ts';
import { chains, quads } from './roof.ts';
import { rows as softmax } from './softmax/rows.ts';

export const webgpuKernels: readonly AnyKernel[] = [
  naive,
  tiled,
  register,
  subgroup,
  splitk,
  gemv,
  naiveConv2d,
  directConv2d,
  implicit,
  pointwise,
  depthwise,
  winograd2,
  pool2d,
  moments,
  softmax,
  vectors,
  tree,
  elements,
  transpose,
  philox,
  gatherRows,
  scatterAddChains,
  chains,
  quads,
];

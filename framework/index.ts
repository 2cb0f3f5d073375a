// What `tilebench/framework` exports.

export type { DeviceOptions, DType } from '../kernels/index.ts';
export { detectAnomaly } from './anomaly.ts';
export { backward, type CustomFunction, customFunction, type GradOptions, grad } from './autograd.ts';
export { full, normal, ones, randomBits, type TensorData, type TensorOptions, tensor, uniform, zeros } from './create.ts';
export { close, deviceAt, open, type Place } from './devices.ts';
export * as formats from './formats/index.ts';
export { type GradcheckOptions, gradcheck } from './gradcheck.ts';
export * as graph from './graph/index.ts';
export { forgetLaunches, launchesOf } from './launches.ts';
export * as log from './log/index.ts';
export * as nn from './nn/index.ts';
export type { Op, Operand, Value } from './op.ts';
export * from './ops/index.ts';
export * as optim from './optim/index.ts';
export { scope } from './scope.ts';
export { noGrad } from './tape.ts';
export { Tensor } from './tensor.ts';
export { assign, type Rule, update, updateOp } from './update.ts';
export * as zoo from './zoo/index.ts';

// What `tilebench/framework` exports.

export type { DeviceOptions, DType } from '../kernels/index.ts';
export { backward, type CustomFunction, customFunction, type GradOptions, grad } from './autograd.ts';
export { full, ones, type TensorData, type TensorOptions, tensor, zeros } from './create.ts';
export { close, deviceAt, open, type Place } from './devices.ts';
export { forgetLaunches, launchesOf } from './launches.ts';
export type { Op, Operand, Value } from './op.ts';
export * from './ops/index.ts';
export { scope } from './scope.ts';
export { noGrad } from './tape.ts';
export { Tensor } from './tensor.ts';

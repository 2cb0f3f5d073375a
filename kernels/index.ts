// What `tilebench/kernels` exports.

export { type ChooseOptions, choose, kernels, kernelsFor, refusal, validTunables } from './catalog.ts';
export { configurations, parseConstraint, toPython } from './constraint.ts';
export { CountingDevice } from './counting.ts';
export { type Buffer, type Device, DeviceError, type DeviceMemory, type Program } from './device.ts';
export * as expression from './expression.ts';
export type * from './kernel.ts';
export { Launch, type LaunchOptions } from './launch.ts';
export { type DeviceOptions, openDevice } from './open.ts';
export * from './problem.ts';
export * from './reference.ts';
export { deviceKey, problemKey, type TunedEntry, tuned } from './tuned/table.ts';

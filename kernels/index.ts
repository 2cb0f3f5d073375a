// What `tilebench/kernels` exports.

export {
  type Choice,
  type ChoiceTarget,
  type ChooseOptions,
  choose,
  kernels,
  kernelsFor,
  refusal,
  type TuneSource,
  validTunables,
} from './catalog.ts';
export { configurations, parseConstraint, toPython } from './constraint.ts';
export { CountingDevice } from './counting.ts';
export { type Buffer, type Device, DeviceError, type DeviceMemory, type Program } from './device.ts';
export * as expression from './expression.ts';
export type * from './kernel.ts';
export { Launch, type LaunchOptions } from './launch.ts';
export { launched, launchSources } from './launching.ts';
export { type DeviceOptions, openDevice } from './open.ts';
export * from './problem.ts';
export * from './reference.ts';
export { activeTable, shippedTable, useTable } from './tuned/active.ts';
export { codeVersion, type Identity, type Machine, machineKey, machineOf, type TunedEntry } from './tuned/entry.ts';
export { parseTable, type TableFile, tableText } from './tuned/file.ts';
export { bucketKey, distance, placeOf, problemKey } from './tuned/problem-key.ts';
export { deviceKey, EMPTY_TABLE, invalidate, invalidated, type Level, TunedTable } from './tuned/table.ts';

// Optimizers and learning-rate schedules.

export { clippedByNorm } from './clip.ts';
export type { AdamSettings, Arithmetic, Descent, RmsPropSettings, ScaledSettings, SgdSettings } from './descent.ts';
export { Optimizer, type OptimizerOptions } from './optimizer.ts';
export * from './optimizers.ts';
export * from './schedule.ts';

// Optimizers and learning-rate schedules.

export * from './adam.ts';
export { Optimizer, type OptimizerOptions } from './optimizer.ts';
export * from './scaled.ts';
export * from './schedule.ts';
export * from './sgd.ts';

// Modules, layers and initial weights.

export { BatchNorm } from './batch-norm.ts';
export { Embedding } from './embedding.ts';
export * from './init.ts';
export { LayerNorm } from './layer-norm.ts';
export * from './layers.ts';
export { Linear, type LinearOptions } from './linear.ts';
export { held, type Layer, Module, type StateDict } from './module.ts';
export { LstmCell, type LstmState, RnnCell } from './recurrent.ts';

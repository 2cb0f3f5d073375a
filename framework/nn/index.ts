// Modules, layers and initial weights.

export { BatchNorm, BatchNorm2d, type BatchNormOptions } from './batch-norm.ts';
export { Conv2d, type Conv2dLayerOptions } from './conv2d.ts';
export { Embedding } from './embedding.ts';
export { InGraph, inGraph, type OnNodes } from './in-graph.ts';
export * from './init.ts';
export { LayerNorm } from './layer-norm.ts';
export * from './layers.ts';
export { Linear, type LinearOptions } from './linear.ts';
export * from './losses.ts';
export { held, type Layer, Module, type StateDict } from './module.ts';
export * from './pool.ts';
export { GruCell, LstmCell, type LstmState, RnnCell } from './recurrent.ts';

// Modules, layers and initial weights.

export { Embedding } from './embedding.ts';
export * from './init.ts';
export { LayerNorm } from './layer-norm.ts';
export * from './layers.ts';
export { Linear, type LinearOptions } from './linear.ts';
export { held, Module, type StateDict } from './module.ts';

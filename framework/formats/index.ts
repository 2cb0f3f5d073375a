// Files that arrays and weights travel in.

export { FormatError, type HostArray } from './array.ts';
export { readNpy, writeNpy } from './npy.ts';
export { type NpzOptions, readNpz, writeNpz } from './npz.ts';
export { readSafetensors, type Safetensors, writeSafetensors } from './safetensors.ts';
export { arraysOf, tensorsOf } from './state.ts';

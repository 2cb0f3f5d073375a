// What `tilebench/data` exports. It has Node's modules in it; what a browser loads is `tilebench/framework`.

export { ArrayDataset, type Rows, tensorDataset } from './array-dataset.ts';
export { DATASETS, type Labelled, type OpenOptions, openDataset } from './catalog.ts';
export type { Clock, Dataset, Elements, Field, Fields, Recipe, Slots, StreamDataset, Values } from './dataset.ts';
export { DataError } from './file-error.ts';
export { LoaderError, SampleError } from './loader-error.ts';
export { stream } from './stream.ts';
export { Subset, subset } from './subset.ts';
export * from './transforms/transform.ts';

// What `tilebench/data` exports. It has Node's modules in it; what a browser loads is `tilebench/framework`.

export type { BatchRecord, LoaderReport } from './accounting.ts';
export { ArrayDataset, type Rows, tensorDataset } from './array-dataset.ts';
export type { Batch } from './batch.ts';
export { type Batches, type BatchSampler, batched } from './batches.ts';
export { DATASETS, type Labelled, type OpenOptions, openDataset } from './catalog.ts';
export { type BatchArray, type BatchArrays, collate } from './collate.ts';
export type { Clock, Dataset, Elements, Field, Fields, Recipe, Slots, StreamDataset, Values } from './dataset.ts';
export type { Epoch } from './epoch.ts';
export { DataError } from './file-error.ts';
export { DataLoader } from './loader.ts';
export { LoaderError, SampleError } from './loader-error.ts';
export type { LoaderOptions } from './loader-options.ts';
export { openCifar } from './readers/cifar.ts';
export { type CsvOptions, openCsv } from './readers/csv.ts';
export { openIdx } from './readers/idx.ts';
export { type ImagesOptions, openImages } from './readers/images.ts';
export { type Sampler, sequential, shuffled, subsetSampler, type WeightedOptions, weighted } from './samplers.ts';
export { stream } from './stream.ts';
export { Subset, subset } from './subset.ts';
export * from './transforms/transform.ts';

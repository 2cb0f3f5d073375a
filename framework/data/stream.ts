// Samples from whatever can be iterated, as a dataset that is read from its beginning to its end in each epoch.

import type { Fields, StreamDataset } from './dataset.ts';

/** `samples` makes the iterator of an epoch: an async generator function will do. */
export const stream = (fields: Fields, samples: StreamDataset['samples']): StreamDataset => ({ fields, samples });

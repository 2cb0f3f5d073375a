// Batches of an epoch, decided before the first is loaded: batch b has the samples indices[offsets[b]] up to, not including, indices[offsets[b + 1]].

import { checkLength, type Sampler } from './samplers.ts';

export interface Batches {
  readonly indices: Int32Array;
  /** One more than there are batches. */
  readonly offsets: Int32Array;
}

/** A sampler of whole batches. */
export interface BatchSampler {
  /** Batches of an epoch. */
  readonly length: number;
  /** Samples of the largest. */
  readonly largest: number;
  batches(epoch: number): Batches;
}

/** `size` samples a batch in the sampler's order; the last one may be smaller, or is left out with `dropLast`. Throws a RangeError where that leaves none. */
export function batched(sampler: Sampler, size: number, dropLast = false): BatchSampler {
  checkLength('batched: size', size);
  const length = dropLast ? Math.floor(sampler.length / size) : Math.ceil(sampler.length / size);
  if (length === 0)
    throw new RangeError(
      `batched: ${sampler.length} samples make no batch of ${size}; take smaller batches, or keep the last one (dropLast: false)`,
    );
  const samples = Math.min(sampler.length, length * size);
  const offsets = Int32Array.from({ length: length + 1 }, (_, batch) => Math.min(batch * size, samples));
  return {
    length,
    largest: Math.min(size, samples),
    batches: (epoch) => ({ indices: sampler.order(epoch).subarray(0, samples), offsets }),
  };
}

/** Throws a RangeError for batches that are empty, larger than stated, or name samples that are not there. */
export function checkBatches({ indices, offsets }: Batches, sampler: BatchSampler, samples: number): void {
  if (offsets.length !== sampler.length + 1 || offsets[0] !== 0 || offsets[sampler.length] !== indices.length)
    throw new RangeError(
      `batches: offsets ${offsets[0]}..${offsets.at(-1)} of ${offsets.length}, expected 0..${indices.length} of ${sampler.length + 1}, one more than batches`,
    );
  for (let batch = 0; batch < sampler.length; batch++) {
    const size = offsets[batch + 1] - offsets[batch];
    if (size < 1 || size > sampler.largest)
      throw new RangeError(`batches: batch ${batch} has ${size} samples, expected 1 to ${sampler.largest}`);
  }
  for (const index of indices)
    if (index < 0 || index >= samples)
      throw new RangeError(`batches: sample ${index}, expected 0 to ${samples - 1}; the sampler is not of this dataset`);
}

// A batch as the consumer gets it: views of the ring, without a copy, which hold until the next batch is asked for.

import type { Values as HostValues } from '../../kernels/index.ts';
import type { Place } from '../devices.ts';
import { deviceAt } from '../devices.ts';
import { Tensor } from '../tensor.ts';
import type { BatchRecord } from './accounting.ts';
import type { BatchArrays } from './collate.ts';
import type { Elements } from './dataset.ts';

export class Batch {
  readonly epoch: number;
  /** Which batch of the epoch, from 0. */
  readonly number: number;
  /** The samples it holds, in order: those that the sampler gave it, without any that were skipped. */
  readonly indices: Int32Array;
  /** What making it and waiting for it took; kept in the loader's report too. */
  readonly record: BatchRecord;
  #arrays: BatchArrays | undefined;

  constructor(record: BatchRecord, indices: Int32Array, arrays: BatchArrays) {
    this.epoch = record.epoch;
    this.number = record.number;
    this.record = record;
    this.indices = indices;
    this.#arrays = arrays;
  }

  /** Samples it holds. */
  get size(): number {
    return this.indices.length;
  }
  /** Samples that could not be loaded and were left out. */
  get skipped(): number {
    return this.record.skipped;
  }

  /** For each field [size, ...shape], as views whose memory is written again once the next batch is asked for. Throws a ReferenceError after that. */
  get arrays(): BatchArrays {
    if (!this.#arrays) throw new ReferenceError(`batch ${this.number} was let go of when the next was asked for; copy() what is to stay`);
    return this.#arrays;
  }

  /** The same in memory of its own. */
  copy(): BatchArrays {
    return Object.fromEntries(
      Object.entries(this.arrays).map(([name, array]) => {
        const values = new (array.values.constructor as { new (from: Elements): Elements })(array.values);
        return [name, { ...array, values }];
      }),
    );
  }

  /** Every field as a tensor on a device, its kind or the first that was opened: one write each, and the ring is free again. The caller disposes of them. */
  tensors(device?: Place): Record<string, Tensor> {
    const at = deviceAt(device);
    return Object.fromEntries(
      Object.entries(this.arrays).map(([name, { values, ...spec }]) => [name, Tensor.of(values as HostValues, spec, at)]),
    );
  }

  /** For the loader's own use: the views are no longer this batch's. */
  release(): void {
    this.#arrays = undefined;
  }
}

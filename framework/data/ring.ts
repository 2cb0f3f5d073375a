// The ring of batches: memory that workers write samples to and the consumer reads, batch b in slot b mod slots. Nothing is copied on the way.
//
//   slot:  field  field  ..   each [samples, ...shape], aligned to 64 bytes

import { totalmem } from 'node:os';
import { sizeOf } from '../shape.ts';
import type { BatchArrays } from './collate.ts';
import type { Field, Fields, Slots } from './dataset.ts';
import { bytesOf, elementsAt } from './elements.ts';
import { LoaderError } from './loader-error.ts';

const ALIGNMENT = 64;

interface Column {
  readonly name: string;
  readonly field: Field;
  /** Where it begins in a slot. */
  readonly byte: number;
}

/** Memory sizes for people. */
const sized = (bytes: number): string => {
  const unit = Math.max(0, Math.min(4, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${(bytes / 1000 ** unit).toPrecision(3)} ${['bytes', 'kB', 'MB', 'GB', 'TB'][unit]}`;
};

export interface RingShape {
  readonly fields: Fields;
  /** Samples of the largest batch. */
  readonly capacity: number;
  readonly slots: number;
}

export class Ring {
  readonly shape: RingShape;
  readonly memory: SharedArrayBuffer | ArrayBuffer;
  readonly #columns: readonly Column[];
  readonly #slotBytes: number;
  /** Views of samples' places, made when they are first used. */
  readonly #places: Slots[];

  /** Looks at memory, or takes it. Throws a LoaderError where there is not as much. */
  constructor(shape: RingShape, memory?: SharedArrayBuffer, shared = false) {
    this.shape = shape;
    let byte = 0;
    this.#columns = Object.entries(shape.fields).map(([name, field]) => {
      const column = { name, field, byte };
      byte += Math.ceil((bytesOf(field) * shape.capacity) / ALIGNMENT) * ALIGNMENT;
      return column;
    });
    this.#slotBytes = byte;
    this.memory = memory ?? take(shape, byte, shared);
    this.#places = new Array(shape.slots * shape.capacity);
  }

  /** Where sample `position` of the batch in a slot goes. */
  place(slot: number, position: number): Slots {
    return (this.#places[slot * this.shape.capacity + position] ??= this.#placeAt(slot, position));
  }

  #placeAt(slot: number, position: number): Slots {
    return Object.fromEntries(
      this.#columns.map(({ name, field, byte }) => [
        name,
        elementsAt(field, 1, this.memory, slot * this.#slotBytes + byte + position * bytesOf(field)),
      ]),
    );
  }

  /** Views of the first `samples` samples in a slot. */
  arrays(slot: number, samples: number): BatchArrays {
    return Object.fromEntries(
      this.#columns.map(({ name, field, byte }) => {
        const values = elementsAt(field, samples, this.memory, slot * this.#slotBytes + byte);
        return [name, { dtype: field.dtype, shape: [samples, ...field.shape], values }];
      }),
    );
  }
}

/** What may be taken: what is free, or half of what there is, since systems count what they could let go of, such as files they keep in memory, as taken. */
function available(): number {
  const all = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return Math.max(process.availableMemory(), all / 2);
}

/** Memory that is asked for is not memory that is there: the system gives out more than it has, and kills who uses it. So it is looked at first. */
function take({ fields, capacity, slots }: RingShape, slotBytes: number, shared: boolean): SharedArrayBuffer | ArrayBuffer {
  const bytes = slotBytes * slots;
  const free = available();
  const refuse = (why: string, cause?: unknown) => {
    const sample = Object.values(fields).reduce((sum, field) => sum + bytesOf(field), 0);
    return new LoaderError(
      `DataLoader: a batch of ${capacity} samples takes ${sized(slotBytes)} (${sized(sample)} a sample), ${slots} of them ${sized(bytes)}, ${why}; take smaller batches${slots > 1 ? ', or prefetch fewer' : ''}`,
      { cause },
    );
  };
  if (!(bytes <= free)) throw refuse(`but there are ${sized(free)} of memory to take`);
  try {
    return shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
  } catch (error) {
    throw refuse('which could not be had in one piece', error);
  }
}

/** Throws a TypeError or RangeError for fields that no batch can have. */
export function checkFields(fields: Fields): void {
  const entries = Object.entries(fields);
  if (entries.length === 0) throw new RangeError('DataLoader: the dataset has no fields, expected at least one');
  for (const [name, { dtype, shape }] of entries) {
    if (dtype !== 'f32' && dtype !== 'i32' && dtype !== 'u8')
      throw new TypeError(`DataLoader: field ${name} is ${dtype}, expected f32, i32 or u8`);
    if (!shape.every((size) => Number.isInteger(size) && size >= 1) || !Number.isSafeInteger(sizeOf(shape)))
      throw new RangeError(`DataLoader: field ${name} has the shape [${shape}], expected whole numbers from 1`);
  }
}

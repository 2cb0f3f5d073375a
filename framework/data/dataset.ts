// What a dataset is: numbered samples with named fields of fixed shapes. Everything that loads data speaks these words.

/** A named part of a sample: its elements and their shape, without the batch; [] is one number. */
export interface Field {
  readonly dtype: 'f32' | 'i32' | 'u8';
  readonly shape: readonly number[];
}
export type Fields = Readonly<Record<string, Field>>;

export type Elements = Float32Array | Int32Array | Uint8Array;
/** One sample: for each field its elements, or the number. */
export type Values = Readonly<Record<string, Elements | number>>;
/** A sample's place in a batch: for each field a view of as many elements as its shape has. */
export type Slots = Readonly<Record<string, Elements>>;

/** Attributes the time since the last mark, or since the sample was asked for, to a stage. */
export interface Clock {
  mark(stage: 'fetch' | 'decode' | 'transform'): void;
}

export interface Dataset {
  readonly length: number;
  readonly fields: Fields;
  /** The sample at an index from 0 to length - 1. */
  get(index: number, clock?: Clock): Values | Promise<Values>;
  /** The same written to its place; a loader prefers it. */
  getInto?(index: number, slots: Slots, clock?: Clock): void | Promise<void>;
  /** Where a sample comes from, for errors: a file, or a place in one. */
  nameOf?(index: number): string;
  /** The pass over the data, which a loader sets before it reads: random transforms draw by seed, epoch and index, so that any thread draws the same. */
  epoch?: number;
  /** Without one the dataset can only be read in the thread it is in. */
  readonly recipe?: Recipe;
}

/** How a worker opens the same dataset: a factory that a module (a URL) exports, and what it is given, which must be possible to clone. */
export interface Recipe {
  readonly module: string;
  readonly name: string;
  readonly options: unknown;
}

/** Samples that come one after the other, as many as there are, perhaps without end: each pass begins with a new iterator. */
export interface StreamDataset {
  readonly fields: Fields;
  samples(epoch: number): AsyncIterable<Values> | Iterable<Values>;
}

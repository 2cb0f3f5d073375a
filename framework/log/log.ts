// A log takes what a training tells about itself, step by step: scalars, histograms of weights and gradients, images, its graph. Writers make files of it.

import type { Fetch } from '../graph/session.ts';
import { type Histogram, histogramOf } from './histogram.ts';

/** Pixels from 0 to 255, row by row, the channels of a pixel side by side: 1 (grey), 3 (RGB) or 4 (RGBA). */
export interface Image {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3 | 4;
  readonly pixels: Uint8Array;
}

/** What is logged under a tag. */
export type Content =
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'histogram'; readonly histogram: Histogram }
  | { readonly kind: 'image'; readonly image: Image };

/** One thing logged: where on the curve, and when. */
export interface Entry {
  /** What it is, a path: `train/loss`. */
  readonly tag: string;
  /** Steps of training before it. */
  readonly step: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly content: Content;
}

/** Where entries go. A writer keeps nothing back: what it was given is in its file when the call returns. */
export interface LogWriter {
  entry(entry: Entry): void;
  /** The graph that the fetches need; writers that have no place for one do nothing. */
  graph(fetches: readonly Fetch[], time: number): void;
  close(): void;
}

export interface LogOptions {
  /** Milliseconds since 1970; the system's clock if absent. */
  readonly now?: () => number;
}

export class Log implements Disposable {
  readonly #writers: readonly LogWriter[];
  readonly #now: () => number;
  #isClosed = false;

  /** Use `open` for files in a folder. */
  constructor(writers: readonly LogWriter[], { now = Date.now }: LogOptions = {}) {
    this.#writers = writers;
    this.#now = now;
  }

  /** A point of the curve `tag`; NaN and infinities are kept. Throws a TypeError or RangeError for a tag or step that is none. */
  scalar(tag: string, value: number, step: number): void {
    if (typeof value !== 'number') throw new TypeError(`log: the scalar ${tag} is ${value}, expected a number; read a tensor by item()`);
    this.#write(tag, step, { kind: 'scalar', value });
  }

  /** How values are distributed, such as those of a weight. What is not finite is counted by a scalar of its own, `TAG/not finite`. */
  histogram(tag: string, values: ArrayLike<number>, step: number): void {
    const histogram = histogramOf(values);
    this.#write(tag, step, { kind: 'histogram', histogram });
    const lost = values.length - histogram.count;
    if (lost > 0) this.scalar(`${tag}/not finite`, lost, step);
  }

  /** Throws a RangeError where there are not as many pixels as height, width and channels say. */
  image(tag: string, image: Image, step: number): void {
    const { height, width, channels, pixels } = image;
    if (!(height > 0 && width > 0 && pixels.length === height * width * channels))
      throw new RangeError(`log: the image ${tag} has ${pixels.length} values, expected ${height} x ${width} pixels of ${channels}`);
    this.#write(tag, step, { kind: 'image', image });
  }

  /** The static graph that fetches need, before any rewrite. */
  graph(...fetches: readonly Fetch[]): void {
    this.#assertOpen();
    for (const writer of this.#writers) writer.graph(fetches, this.#now());
  }

  /** Closes the files. A second call does nothing. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const writer of this.#writers) writer.close();
  }
  [Symbol.dispose](): void {
    this.close();
  }

  #write(tag: string, step: number, content: Content): void {
    this.#assertOpen();
    if (typeof tag !== 'string' || tag === '') throw new TypeError(`log: the tag is '${tag}', expected a name such as 'train/loss'`);
    if (!Number.isSafeInteger(step) || step < 0) throw new RangeError(`log: the step of ${tag} is ${step}, expected a whole number from 0`);
    const entry = { tag, step, time: this.#now(), content };
    for (const writer of this.#writers) writer.entry(entry);
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error('log: it was closed; open another one, with a run name of its own');
  }
}

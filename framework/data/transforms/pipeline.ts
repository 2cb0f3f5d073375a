// A list of transforms, checked once and applied to many images: [h, w, 3] of u8 in, planes [3, H, W] of u8 or f32 out.

import type { Field } from '../dataset.ts';
import type { Image } from '../decode/image.ts';
import type { Box } from '../pixel-memory.ts';
import { checkNormalize, normalTable } from '../readers/planes.ts';
import { Frame } from './frame.ts';
import { planesOf } from './resample.ts';
import type { Transform } from './transform.ts';

/** Python's round: halves to even. */
const rounded = (value: number): number => {
  const floor = Math.floor(value);
  const over = value - floor;
  return over > 0.5 || (over === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
};

const centred = (width: number, height: number, w: number, h: number): Box => ({
  left: rounded((width - w) / 2),
  top: rounded((height - h) / 2),
  width: w,
  height: h,
});

type RandomCrop = Extract<Transform, { kind: 'random-resized-crop' }>;

/** Ten tries at a random box, else the largest in the middle with an allowed ratio. */
function randomBox(width: number, height: number, { scale, ratio }: RandomCrop, draw: () => number): Box {
  const between = (low: number, high: number) => low + (high - low) * draw();
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = width * height * between(...scale);
    const aspect = Math.exp(between(Math.log(ratio[0]), Math.log(ratio[1])));
    const [w, h] = [rounded(Math.sqrt(area * aspect)), rounded(Math.sqrt(area / aspect))];
    if (w < 1 || w > width || h < 1 || h > height) continue;
    return { left: Math.floor(draw() * (width - w + 1)), top: Math.floor(draw() * (height - h + 1)), width: w, height: h };
  }
  const aspect = width / height;
  const w = aspect > ratio[1] ? rounded(height * ratio[1]) : width;
  const h = aspect < ratio[0] ? rounded(width / ratio[0]) : height;
  return centred(width, height, Math.max(1, w), Math.max(1, h));
}

function step(frame: Frame, transform: Transform, draw: () => number): void {
  const { width, height } = frame;
  if (transform.kind === 'resize') {
    const { shorter } = transform;
    if (width <= height) frame.resize(shorter, Math.trunc((shorter * height) / width));
    else frame.resize(Math.trunc((shorter * width) / height), shorter);
  } else if (transform.kind === 'center-crop') frame.crop(centred(width, height, transform.size, transform.size));
  else if (transform.kind === 'random-resized-crop') {
    frame.crop(randomBox(width, height, transform, draw));
    frame.resize(transform.size, transform.size);
  } else if (transform.kind === 'flip' && draw() < transform.probability) frame.mirrored = !frame.mirrored;
}

export class Pipeline {
  readonly transforms: readonly Transform[];
  readonly dtype: Field['dtype'];
  /** Height and width of every result; undefined where they depend on the image. */
  readonly size: number | undefined;
  readonly #table: Float32Array | undefined;

  /** Throws a RangeError for an order that makes no sense. */
  constructor(transforms: readonly Transform[]) {
    this.transforms = transforms;
    const kinds = transforms.map(({ kind }) => kind);
    const tensor = kinds.indexOf('to-tensor');
    const [normal, ...more] = transforms.filter((transform) => transform.kind === 'normalize');
    if (tensor >= 0 && kinds.slice(tensor + 1).some((kind) => kind !== 'normalize'))
      throw new RangeError(`transforms: ${kinds.join(', ')}: after to-tensor only normalize can follow`);
    if (normal && (tensor < 0 || kinds.indexOf('normalize') < tensor || more.length > 0))
      throw new RangeError(`transforms: ${kinds.join(', ')}: normalize stands once, after to-tensor`);
    if (normal) checkNormalize(normal, 3);
    this.dtype = tensor < 0 ? 'u8' : 'f32';
    this.#table = tensor < 0 ? undefined : normalTable(normal?.mean ?? [0, 0, 0], normal?.std ?? [1, 1, 1]);
    for (const transform of transforms)
      if (transform.kind === 'resize') this.size = this.size && transform.shorter;
      else if ('size' in transform) this.size = transform.size;
  }

  /** An image with all crops, resizes and flips on it; `draw` is asked in the order of the transforms. Throws a RangeError where a crop is too large. */
  apply(image: Image, draw: () => number): Frame {
    const frame = new Frame(image);
    for (const transform of this.transforms) step(frame, transform, draw);
    return frame;
  }

  /** Writes planes [3, height, width] of the frame to `out`. */
  write(frame: Frame, out: Uint8Array | Float32Array): void {
    const { width, height } = frame;
    const { bytes, pitch } = planesOf(frame.raster());
    const table = this.#table;
    if (!table && !frame.mirrored && pitch === width) {
      out.set(bytes);
      return;
    }
    for (let row = 0; row < 3 * height; row++) {
      const line = bytes.subarray(row * pitch, row * pitch + width);
      if (frame.mirrored) line.reverse();
      if (table) lookUp(line, table.subarray(256 * Math.floor(row / height)), out as Float32Array, row * width);
      else out.set(line, row * width);
    }
  }
}

/** out[to + i] = table[line[i]]. */
function lookUp(line: Uint8Array, table: Float32Array, out: Float32Array, to: number): void {
  for (let i = 0; i < line.length; i++) out[to + i] = table[line[i]];
}

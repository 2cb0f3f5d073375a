// IDX, the format of MNIST and Fashion-MNIST (LeCun, Cortes and Burges 1998): big-endian throughout.
//
//   0  0  type  rank   size[0] .. size[rank-1] as u32   elements, row-major
//
// Here: u8, the type of every published file. Images have rank 3 [count, H, W], labels rank 1 [count].

import { FormatError } from '../../formats/array.ts';
import { viewOf } from '../../formats/bytes.ts';
import { naming } from '../file-error.ts';
import { Planes, type PlanesOptions } from './planes.ts';
import { fileBytes, shared, unpacked } from './read-file.ts';

const U8 = 0x08;
const TYPES: Readonly<Record<number, string>> = { 8: 'u8', 9: 'i8', 11: 'i16', 12: 'i32', 13: 'f32', 14: 'f64' };
const MAX_RANK = 8;
const DIGITS = [...'0123456789'];

export interface Idx {
  readonly shape: readonly number[];
  readonly values: Uint8Array;
}

/** The array of an IDX file of u8, unpacked already; `values` is a view of `bytes`. Throws a FormatError. */
export function readIdx(bytes: Uint8Array): Idx {
  if (bytes.length < 4) throw new FormatError(`idx: ${bytes.length} bytes, expected at least 4; the file is cut off`);
  const view = viewOf(bytes);
  const [zero, type, rank] = [view.getUint16(0), bytes[2], bytes[3]];
  if (zero !== 0 || !(type in TYPES) || rank === 0 || rank > MAX_RANK)
    throw new FormatError(
      `idx: the magic number is ${view.getUint32(0)}, expected 2051 (images) or 2049 (labels); this is no IDX file, or it is packed`,
    );
  if (type !== U8) throw new FormatError(`idx: elements are ${TYPES[type]}, expected u8`);
  const header = 4 + 4 * rank;
  if (bytes.length < header) throw new FormatError(`idx: ${bytes.length} bytes end within the header of ${header}; the file is cut off`);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const elements = shape.reduce((product, size) => product * size, 1);
  if (bytes.length - header !== elements)
    throw new FormatError(
      `idx: ${bytes.length - header} bytes follow the header, expected ${elements} for the shape [${shape}]; the file is ${bytes.length - header < elements ? 'cut off' : 'damaged'}`,
    );
  return { shape, values: bytes.subarray(header) };
}

const idxFile = (path: string): Idx => {
  const bytes = unpacked(path, fileBytes(path));
  return naming(path, () => readIdx(bytes));
};

/** A pair of IDX files, each plain or gzipped, as a dataset of images [1,H,W]. Throws a FormatError or DataError that names the file. */
export function openIdx({
  images,
  labels,
  ...options
}: { readonly images: string; readonly labels: string } & Partial<Pick<PlanesOptions, 'classes' | 'normalize'>>): Planes {
  const [pictures, answers] = [idxFile(images), idxFile(labels)];
  if (pictures.shape.length !== 3) throw new FormatError(`${images}: idx: rank ${pictures.shape.length}, expected 3 (images)`);
  if (answers.shape.length !== 1) throw new FormatError(`${labels}: idx: rank ${answers.shape.length}, expected 1 (labels)`);
  const [count, height, width] = pictures.shape;
  if (count !== answers.shape[0])
    throw new FormatError(`${labels}: ${answers.shape[0]} labels for the ${count} images of ${images}; the two are not of one set`);
  return new Planes({
    classes: DIGITS,
    ...options,
    shape: [1, height, width],
    pixels: shared(pictures.values),
    labels: shared(answers.values),
    files: [images],
    labelFile: labels,
  });
}

// A decoded image, and the choice of decoder by the first bytes of a file.

import { FormatError } from '../../formats/array.ts';
import { decodePng, isPng } from './png.ts';

/** Rows of red, green, blue, u8, without gaps: [height, width, 3]. Grey images have three equal channels. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** The image in the bytes of a file. Its pixels may stand in memory that the next call of the same decoder overwrites. Throws a FormatError. */
export type Decode = (bytes: Uint8Array) => Image;

/** Images above this many pixels are refused: a header of a few bytes can state any size. */
export const MOST_PIXELS = 100e6;

/** Throws a FormatError for a stated size of nothing, or of more than MOST_PIXELS. */
export function checkSize(format: string, width: number, height: number): void {
  if (width < 1 || height < 1) throw new FormatError(`${format}: the header states ${width}x${height} pixels, expected at least 1x1`);
  if (width * height > MOST_PIXELS)
    throw new FormatError(`${format}: the header states ${width}x${height} pixels, more than the limit of ${MOST_PIXELS / 1e6} million`);
}

const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;

/** Decoders for every format, loaded. Rejects with an Error that says what is missing. */
export async function imageDecoder(): Promise<Decode> {
  const { jpegDecoder } = await import('./jpeg.ts');
  const decodeJpeg = await jpegDecoder();
  return (bytes) => {
    if (isJpeg(bytes)) return decodeJpeg(bytes);
    if (isPng(bytes)) return decodePng(bytes);
    const start = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw new FormatError(
      bytes.length === 0 ? 'the file is empty, expected a JPEG or PNG image' : `the file begins with ${start}: neither JPEG nor PNG`,
    );
  };
}

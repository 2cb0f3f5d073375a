// JPEG through libjpeg-turbo (the package @julusian/jpeg-turbo: prebuilt binaries of 3.1). Chosen by measurement: docs/results/2026-11-25-xeon/decode.md.
//
// libjpeg warns where entropy-coded data end early or make no sense, and fills what is missing with grey; the binding turns any warning into an error, so
// such an image is refused here too. Orientation tags (EXIF) are not followed: pixels come as they are stored.

import type * as Turbo from '@julusian/jpeg-turbo';
import { FormatError } from '../../formats/array.ts';
import { imageMemory } from '../pixel-memory.ts';
import type { Decode } from './image.ts';
import { hasEnd, readJpegHeader } from './jpeg-header.ts';

/** libjpeg-turbo, loaded. Rejects with an Error that says how to get it. */
export async function libjpeg(): Promise<typeof Turbo> {
  try {
    return (await import('@julusian/jpeg-turbo')).default as unknown as typeof Turbo;
  } catch (error) {
    throw new Error(
      `JPEG needs the package @julusian/jpeg-turbo, which does not load on ${process.platform} ${process.arch} (${(error as Error).message.split('\n')[0]}); install it with npm install @julusian/jpeg-turbo`,
      { cause: error },
    );
  }
}

/** Bits below which no coding of so many pixels is possible: one for each block of 8x8, of which subsampling leaves a quarter at least. */
const leastBits = (width: number, height: number): number => (Math.ceil(width / 8) * Math.ceil(height / 8)) / 4;

/** A decoder into the memory of images: every image's pixels are overwritten by the next. */
export async function jpegDecoder(): Promise<Decode> {
  const { decompressSync, FORMAT_RGB } = await libjpeg();
  return (bytes) => {
    const { width, height } = readJpegHeader(bytes);
    if (bytes.length * 8 < leastBits(width, height))
      throw new FormatError(
        `jpeg: the header states ${width}x${height} pixels, more than ${bytes.length} bytes can hold; the file is damaged`,
      );
    const size = width * height * 3;
    const buffer = imageMemory(size);
    const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    try {
      decompressSync(source, buffer, { format: FORMAT_RGB });
    } catch {
      throw new FormatError(
        hasEnd(bytes) ? 'jpeg: the image data are damaged' : `jpeg: no end marker in ${bytes.length} bytes; the file is cut off`,
      );
    }
    return { width, height, pixels: buffer };
  };
}

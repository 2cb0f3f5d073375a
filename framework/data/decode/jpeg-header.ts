// The header of a JPEG file (ITU-T T.81, annex B), read before the decoder is trusted with it: segments up to the frame header, SOF.
//
//   FF D8   { FF marker  length:u16  .. }*   FF SOFn  length:u16  precision:u8  height:u16  width:u16  components:u8 ..   ..  FF D9

import { FormatError } from '../../formats/array.ts';
import { checkSize } from './image.ts';

export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** 1: grey, 3: colour. */
  readonly components: 1 | 3;
}

const PROCESSES = ['baseline', 'extended', 'progressive', 'lossless'];
const [SOI, EOI, SOS, TEM] = [0xd8, 0xd9, 0xda, 0x01];
/** Markers of frame headers; C4, C8 and CC among them mean other things. */
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
const standsAlone = (marker: number): boolean => marker === TEM || (marker >= 0xd0 && marker <= 0xd7);

/** Size and kind of a JPEG image. Throws a FormatError for what is no JPEG, and for kinds that are not decoded here. */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  if (bytes[0] !== 0xff || bytes[1] !== SOI) throw new FormatError('jpeg: the file does not begin with FF D8');
  let at = 2;
  for (;;) {
    if (at < bytes.length && bytes[at] !== 0xff) throw new FormatError(`jpeg: byte ${at} is no marker; the header is damaged`);
    // Any number of FF may stand before a marker.
    while (bytes[at + 1] === 0xff) at++;
    const marker = bytes[at + 1];
    at += 2;
    if (at + 2 > bytes.length || marker === EOI)
      throw new FormatError(`jpeg: the file ends at byte ${bytes.length}, before its frame header`);
    if (standsAlone(marker)) continue;
    const length = (bytes[at] << 8) | bytes[at + 1];
    if (length < 2 || marker === SOS || marker === SOI || marker === 0)
      throw new FormatError(`jpeg: marker ${marker.toString(16)} at byte ${at - 2} before the frame header; the header is damaged`);
    if (at + length > bytes.length)
      throw new FormatError(`jpeg: a segment ends at byte ${at + length} of ${bytes.length}; the file is cut off`);
    if (isFrame(marker)) return frame(bytes.subarray(at + 2, at + length), marker);
    at += length;
  }
}

function frame(segment: Uint8Array, marker: number): JpegHeader {
  if (segment.length < 6) throw new FormatError(`jpeg: a frame header of ${segment.length} bytes, expected at least 6; it is damaged`);
  const [precision, h1, h0, w1, w0, components] = segment;
  const [width, height] = [(w1 << 8) | w0, (h1 << 8) | h0];
  if (marker > 0xc2 || precision !== 8)
    throw new FormatError(
      `jpeg: ${PROCESSES[marker & 3]} coding${marker > 0xc7 ? ', arithmetic,' : ''} with ${precision} bits; save it as baseline or progressive with 8 bits`,
    );
  if (components !== 1 && components !== 3)
    throw new FormatError(
      `jpeg: ${components} components, expected 1 (grey) or 3 (colour)${components === 4 ? '; CMYK: save it as RGB' : ''}`,
    );
  checkSize('jpeg', width, height);
  return { width, height, components };
}

/** True where the marker that ends the image stands in the file, behind the header. */
export function hasEnd(bytes: Uint8Array): boolean {
  for (let at = bytes.lastIndexOf(EOI); at > 2; at = bytes.lastIndexOf(EOI, at - 1)) if (bytes[at - 1] === 0xff) return true;
  return false;
}

// TFRecord, the framing of TensorFlow's files: each record says how long it is and has checksums, so that a reader knows a damaged or unfinished one.
//
//   length u64 | masked CRC-32C of the length u32 | bytes | masked CRC-32C of the bytes u32        little-endian
//   masked: rotated right by 15 bits plus 0xa282ead8, since a checksum of bytes that hold checksums tells little
// Source: tensorflow/core/lib/io/record_writer.h

import { crc32c } from '../formats/crc32.ts';

const masked = (checksum: number): number => (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;

export function framed(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const record = new Uint8Array(bytes.length + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(bytes.length), true);
  view.setUint32(8, masked(crc32c(record.subarray(0, 8))), true);
  record.set(bytes, 12);
  view.setUint32(12 + bytes.length, masked(crc32c(bytes)), true);
  return record;
}

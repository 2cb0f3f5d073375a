// The checksums of files: CRC-32 (ISO 3309: ZIP, PNG) and CRC-32C (Castagnoli: TFRecord), reflected, four bytes at a step through four tables
// ("slicing-by-4", Kounavis and Berry 2005).

/** `tables[n][byte]`: what a byte followed by n zero bytes adds. */
function tablesOf(polynomial: number): Uint32Array[] {
  const tables = Array.from({ length: 4 }, () => new Uint32Array(256));
  for (let byte = 0; byte < 256; byte++) {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ polynomial : rest >>> 1;
    tables[0][byte] = rest;
  }
  for (let n = 1; n < 4; n++)
    for (let byte = 0; byte < 256; byte++) {
      const before = tables[n - 1][byte];
      tables[n][byte] = tables[0][before & 255] ^ (before >>> 8);
    }
  return tables;
}

function checksum(polynomial: number): (bytes: Uint8Array) => number {
  const [first, second, third, fourth] = tablesOf(polynomial);
  return (bytes) => {
    const whole = bytes.length & ~3;
    let rest = 0xffffffff;
    let at = 0;
    for (; at < whole; at += 4) {
      rest ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
      rest = fourth[rest & 255] ^ third[(rest >>> 8) & 255] ^ second[(rest >>> 16) & 255] ^ first[rest >>> 24];
    }
    for (; at < bytes.length; at++) rest = first[(rest ^ bytes[at]) & 255] ^ (rest >>> 8);
    return ~rest >>> 0;
  };
}

/** The CRC-32 of bytes, from 0 to 2^32 - 1. */
export const crc32 = checksum(0xedb88320);

/** The CRC-32C of bytes, from 0 to 2^32 - 1. */
export const crc32c = checksum(0x82f63b78);

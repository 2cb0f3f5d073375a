// The checksum of ZIP: CRC-32 with the reflected polynomial 0xEDB88320 (ISO 3309), four bytes at a step through four tables ("slicing-by-4",
// Kounavis and Berry 2005).

const POLYNOMIAL = 0xedb88320;

/** `TABLES[n][byte]`: what a byte followed by n zero bytes adds. */
const TABLES = Array.from({ length: 4 }, () => new Uint32Array(256));
for (let byte = 0; byte < 256; byte++) {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
  TABLES[0][byte] = rest;
}
for (let n = 1; n < 4; n++)
  for (let byte = 0; byte < 256; byte++) {
    const before = TABLES[n - 1][byte];
    TABLES[n][byte] = TABLES[0][before & 255] ^ (before >>> 8);
  }

/** The CRC-32 of bytes, from 0 to 2^32 - 1. */
export function crc32(bytes: Uint8Array): number {
  const [first, second, third, fourth] = TABLES;
  const whole = bytes.length & ~3;
  let rest = 0xffffffff;
  let at = 0;
  for (; at < whole; at += 4) {
    rest ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    rest = fourth[rest & 255] ^ third[(rest >>> 8) & 255] ^ second[(rest >>> 16) & 255] ^ first[rest >>> 24];
  }
  for (; at < bytes.length; at++) rest = first[(rest ^ bytes[at]) & 255] ^ (rest >>> 8);
  return ~rest >>> 0;
}

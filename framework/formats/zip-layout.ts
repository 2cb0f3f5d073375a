// ZIP as far as npz needs it: one disk, entries stored or deflated, no encryption, under 4 GiB.
//
//   (local header | name | extra | data)*  (central header | name | extra | comment)*  end record | comment
//
// What counts is the central directory, found from the end record; the local headers repeat it. Source: PKWARE's APPNOTE.TXT, sections 4.3 and 4.4.

/** Signatures, and bytes of each header before its variable part. */
export const LOCAL = { signature: 0x04034b50, size: 30 };
export const CENTRAL = { signature: 0x02014b50, size: 46 };
export const END = { signature: 0x06054b50, size: 22 };

/** A 16-bit or 32-bit field with all bits set refers to a ZIP64 record. */
export const ELSEWHERE = { u16: 0xffff, u32: 0xffffffff };

/** Bits of the flags. */
export const ENCRYPTED = 1;
export const UTF8_NAMES = 1 << 11;

/** Compression methods. */
export const STORED = 0;
export const DEFLATED = 8;

// Numbers of bytes as people write them on the command line and in names of cases: 4B, 64KiB, 256MiB.

import { UsageError } from '../harness/suite.ts';

const UNITS = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;

/** The shortest whole number with a unit. */
export function byteSize(bytes: number): string {
  const [unit, size] = Object.entries(UNITS).findLast(([, size]) => bytes >= size && bytes % size === 0)!;
  return `${bytes / size}${unit}`;
}

/** Reads a list of sizes; a number alone is bytes. Throws a UsageError that names the option, the item, and what it may be. */
export function byteSizes(option: string, text: string, most: number): number[] {
  const sizes = text.split(',').map((item) => {
    const [, count, unit = 'B'] = /^\s*(\d+)\s*(B|KiB|MiB|GiB)?\s*$/.exec(item) ?? [];
    const bytes = Number(count) * UNITS[unit as keyof typeof UNITS];
    if (!Number.isInteger(bytes) || bytes < 4 || bytes % 4 !== 0 || bytes > most)
      throw new UsageError(
        `--${option}: '${item.trim()}' is no size; expected whole words from 4B to ${byteSize(most)}, such as 64KiB or 16MiB`,
      );
    return bytes;
  });
  return [...new Set(sizes)].sort((a, b) => a - b);
}

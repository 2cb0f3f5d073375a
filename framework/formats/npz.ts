// npz: named arrays as NumPy's `savez` and `savez_compressed` save them, a ZIP archive with one NAME.npy an array.

import { excerpt, FormatError, type HostArray } from './array.ts';
import { readNpy, writeNpy } from './npy.ts';
import { readZip } from './unzip.ts';
import { writeZip } from './zip.ts';

const SUFFIX = '.npy';

export interface NpzOptions {
  /** Most bytes that all arrays together may unpack to; 2 GiB if absent. */
  readonly limit?: number;
}

/** The arrays of a file by name, as copies, in the order of its directory. Rejects with a FormatError. */
export async function readNpz(bytes: Uint8Array, { limit = 2 ** 31 }: NpzOptions = {}): Promise<ReadonlyMap<string, HostArray>> {
  const arrays = new Map<string, HostArray>();
  for (const [entry, content] of await readZip(bytes, limit)) {
    const who = `npz: entry '${excerpt(entry)}'`;
    if (!entry.endsWith(SUFFIX)) throw new FormatError(`${who} is no array, expected names that end in ${SUFFIX}`);
    arrays.set(entry.slice(0, -SUFFIX.length), readNpy(content, who));
  }
  return arrays;
}

/** A file of named arrays, stored without compression in the order given. Throws where a name repeats, or values do not fit their shape. */
export function writeNpz(arrays: Iterable<readonly [string, HostArray]>): Uint8Array<ArrayBuffer> {
  return writeZip([...arrays].map(([name, array]) => [`${name}${SUFFIX}`, writeNpy(array, `npz: array '${name}'`)]));
}

// CIFAR-10 in its binary form (Krizhevsky 2009): records of 3073 bytes, a label from 0 to 9 and then 32x32 pixels of red, of green, of blue.

import { FormatError } from '../../formats/array.ts';
import { naming, printable } from '../file-error.ts';
import { archiveEntries } from './image-list.ts';
import { Planes, type PlanesOptions } from './planes.ts';
import { fileBytes, unpacked } from './read-file.ts';

const SHAPE = [3, 32, 32] as const;
const PIXELS = 3072;
const RECORD = 1 + PIXELS;
const CLASSES = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

/** Number of records in the bytes of a file. Throws a FormatError where they are not whole, or a label is out of range. */
export function cifarCount(bytes: Uint8Array): number {
  if (bytes.length === 0 || bytes.length % RECORD !== 0)
    throw new FormatError(`cifar: ${bytes.length} bytes, expected records of ${RECORD}; the file is cut off, or is not the binary version`);
  const count = bytes.length / RECORD;
  for (let i = 0; i < count; i++)
    if (bytes[i * RECORD] >= CLASSES.length)
      throw new FormatError(`cifar: the label of image ${i} is ${bytes[i * RECORD]}, expected 0 to 9`);
  return count;
}

/** Named files, unpacked, as one dataset of images [3,32,32]. Throws a FormatError that names the file. */
export function cifarPlanes(
  parts: readonly { readonly name: string; readonly bytes: Uint8Array }[],
  options: Pick<PlanesOptions, 'normalize'> = {},
): Planes {
  const counts = parts.map(({ name, bytes }) => naming(name, () => cifarCount(bytes)));
  const odd = counts.findIndex((count) => count !== counts[0]);
  if (odd >= 0)
    throw new FormatError(`${parts[odd].name}: ${counts[odd]} images, but ${parts[0].name} has ${counts[0]}; the two are not of one set`);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const [pixels, labels] = [total * PIXELS, total].map((size) => new Uint8Array(new SharedArrayBuffer(size)));
  let image = 0;
  for (const { bytes } of parts)
    for (let at = 0; at < bytes.length; at += RECORD, image++) {
      labels[image] = bytes[at];
      pixels.set(bytes.subarray(at + 1, at + RECORD), image * PIXELS);
    }
  return new Planes({ ...options, shape: SHAPE, pixels, labels, classes: CLASSES, files: parts.map(({ name }) => name) });
}

/** CIFAR-10's binary files, plain or gzipped, in the order given. Throws a FormatError or DataError that names the file. */
export const openCifar = ({ files, ...options }: { readonly files: readonly string[] } & Pick<PlanesOptions, 'normalize'>): Planes =>
  cifarPlanes(
    files.map((name) => ({ name, bytes: unpacked(name, fileBytes(name)) })),
    options,
  );

/** The same out of the published archive, `files` by their names in it without folders. */
export function cifarFromArchive(path: string, files: readonly string[], options: Pick<PlanesOptions, 'normalize'> = {}): Planes {
  const bytes = unpacked(path, fileBytes(path));
  const entries = archiveEntries(path, bytes);
  const parts = files.map((file) => {
    const entry = entries.find(({ name }) => name.split('/').at(-1) === file);
    if (!entry) throw new FormatError(`${printable(path)}: there is no ${file} in the archive`);
    return { name: `${path}/${entry.name}`, bytes: bytes.subarray(entry.offset, entry.offset + entry.size) };
  });
  return cifarPlanes(parts, options);
}

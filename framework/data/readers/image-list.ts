// Which images there are, what their labels are, and where their bytes lie: in files of a folder, or inside a tar archive. A list is plain data, so that
// workers get it as it is instead of looking again.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { FormatError } from '../../formats/array.ts';
import { DataError, naming, onFile, printable } from '../file-error.ts';
import { fileBytes } from './read-file.ts';
import { indexTar, type ReadAt, type TarEntry } from './tar.ts';

interface Labelled {
  /** For people and errors: paths, or names inside the archive. */
  readonly names: readonly string[];
  readonly labels: Int32Array;
  readonly classes: readonly string[];
}

/** Files of a folder; `names` are their paths. */
export interface FolderList extends Labelled {
  readonly kind: 'folder';
}

/** Members of an archive, which is read at their offsets, or lies unpacked in memory where it was gzipped. */
export interface TarList extends Labelled {
  readonly kind: 'tar';
  readonly path: string;
  readonly offsets: Float64Array;
  readonly sizes: Float64Array;
  readonly unpacked?: Uint8Array<SharedArrayBuffer>;
}

export type ImageList = FolderList | TarList;

export const isImageName = (name: string): boolean => /\.(jpe?g|png)$/i.test(name);

/** Reads the bytes of an image by its index, until it is closed. */
export interface ImageBytes {
  read(index: number): Uint8Array;
  close(): void;
}

/** An open archive file: its size, and its bytes from any place. */
export function openArchive(path: string): { size: number; readAt: ReadAt; close(): void } {
  const file = onFile(path, () => openSync(path, 'r'));
  const size = onFile(path, () => fstatSync(file).size);
  const readAt: ReadAt = (offset, length) => {
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - offset)));
    let filled = 0;
    while (filled < bytes.length) {
      const got = onFile(path, () => readSync(file, bytes, filled, bytes.length - filled, offset + filled));
      if (got === 0) throw new DataError(`${printable(path)}: it became shorter while it was read`);
      filled += got;
    }
    return bytes;
  };
  return { size, readAt, close: () => closeSync(file) };
}

/** The files of an archive on disk or, unpacked, in memory. Throws a FormatError that names it. */
export function archiveEntries(path: string, unpacked?: Uint8Array): TarEntry[] {
  if (unpacked) return naming(path, () => indexTar((offset, length) => unpacked.subarray(offset, offset + length), unpacked.length));
  const archive = openArchive(path);
  try {
    return naming(path, () => indexTar(archive.readAt, archive.size));
  } finally {
    archive.close();
  }
}

export function openBytes(list: ImageList): ImageBytes {
  if (list.kind === 'folder') return { read: (index) => fileBytes(list.names[index]), close: () => {} };
  const { path, offsets, sizes, unpacked } = list;
  if (unpacked) return { read: (index) => unpacked.subarray(offsets[index], offsets[index] + sizes[index]), close: () => {} };
  const { readAt, close } = openArchive(path);
  return { read: (index) => readAt(offsets[index], sizes[index]), close };
}

/** Throws a FormatError that names the place where there is no image. */
export function someImages(place: string, list: ImageList): ImageList {
  if (list.names.length === 0) throw new FormatError(`${printable(place)}: no .jpg, .jpeg or .png in it, expected at least one`);
  return list;
}

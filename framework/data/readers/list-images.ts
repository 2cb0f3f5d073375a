// Lists the images of a place: a folder with a subfolder for each class, a folder with labels.csv (its files beside it, in images/, or in the one archive
// there), or an archive, .tar or .tar.gz, whose files lie in a folder for each class.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FormatError } from '../../formats/array.ts';
import { naming, onFile, printable } from '../file-error.ts';
import { archiveEntries, type ImageList, isImageName, openArchive, someImages } from './image-list.ts';
import { type LabelFile, readLabelFile } from './label-file.ts';
import { fileBytes, isGzip, shared, unpacked } from './read-file.ts';
import type { TarEntry } from './tar.ts';

const LABELS = 'labels.csv';
const isArchive = (name: string): boolean => /\.(tar|tar\.gz|tgz)$/i.test(name);

/** The images at `place`, in an order that only their names decide. Throws a FormatError or DataError that names the file. */
export function listImages(place: string): ImageList {
  if (!onFile(place, () => statSync(place)).isDirectory()) return someImages(place, archiveList(place, undefined));
  const labelPath = join(place, LABELS);
  const archives = onFile(place, () => readdirSync(place)).filter(isArchive);
  if (!existsSync(labelPath)) {
    const list = archives.length === 1 ? archiveList(join(place, archives[0]), undefined) : classFolders(place);
    return someImages(place, list);
  }
  const labels = naming(labelPath, () => readLabelFile(fileBytes(labelPath)));
  const list =
    archives.length === 1 ? archiveList(join(place, archives[0]), { labels, labelPath }) : labelledFiles(place, labelPath, labels);
  return someImages(place, list);
}

/** A subfolder for each class, in alphabetic order; images may lie in folders below it. */
function classFolders(place: string): ImageList {
  const below = onFile(place, () => readdirSync(place, { withFileTypes: true }));
  const loose = below.find((each) => each.isFile() && isImageName(each.name));
  if (loose)
    throw new FormatError(`${printable(join(place, loose.name))}: it lies in no class folder, and there is no ${LABELS} beside it`);
  const names: string[] = [];
  const labels: number[] = [];
  const classes: string[] = [];
  for (const folder of below
    .filter((each) => each.isDirectory())
    .map(({ name }) => name)
    .sort()) {
    const inside = onFile(folder, () => readdirSync(join(place, folder), { recursive: true, encoding: 'utf8' }));
    const images = inside.filter(isImageName).sort();
    if (images.length === 0) continue;
    for (const image of images) names.push(join(place, folder, image));
    labels.push(...images.map(() => classes.length));
    classes.push(folder);
  }
  return { kind: 'folder', names, labels: Int32Array.from(labels), classes };
}

/** The files that labels.csv names, which lie beside it or in images/. */
function labelledFiles(place: string, labelPath: string, { rows, labels, classes }: LabelFile): ImageList {
  const roots = [place, join(place, 'images')].filter(existsSync);
  const names = rows.map(({ file, line }) => {
    const path = roots.map((root) => join(root, file)).find(existsSync);
    if (!path) throw new FormatError(`${printable(labelPath)}: line ${line}: there is no file ${printable(join(place, file))}`);
    return path;
  });
  return { kind: 'folder', names, labels, classes };
}

/** The images of an archive: those that labels.csv names, else all, with the folder that each lies in as its class. */
function archiveList(path: string, known: { labels: LabelFile; labelPath: string } | undefined): ImageList {
  const packed = isGzipped(path) ? fileBytes(path) : undefined;
  const bytes = packed && shared(unpacked(path, packed));
  const entries = archiveEntries(path, bytes);
  const [chosen, labelled] = known ? named(path, entries, known) : byFolder(path, entries);
  return {
    kind: 'tar',
    path,
    unpacked: bytes,
    names: chosen.map(({ name }) => `${path}/${name}`),
    offsets: Float64Array.from(chosen, ({ offset }) => offset),
    sizes: Float64Array.from(chosen, ({ size }) => size),
    ...labelled,
  };
}

const isGzipped = (path: string): boolean => /gz$/i.test(path) || isGzip(fileStart(path));
const fileStart = (path: string): Uint8Array => {
  const archive = openArchive(path);
  try {
    return archive.readAt(0, 2);
  } finally {
    archive.close();
  }
};

type Chosen = [TarEntry[], { labels: Int32Array; classes: readonly string[] }];

function named(
  path: string,
  entries: readonly TarEntry[],
  { labels: { rows, labels, classes }, labelPath }: { labels: LabelFile; labelPath: string },
): Chosen {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const chosen = rows.map(({ file, line }) => {
    const entry = byName.get(file);
    if (!entry) throw new FormatError(`${printable(labelPath)}: line ${line}: there is no ${printable(file)} in ${printable(path)}`);
    return entry;
  });
  return [chosen, { labels, classes }];
}

function byFolder(path: string, entries: readonly TarEntry[]): Chosen {
  const images = entries.filter(({ name }) => isImageName(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const loose = images.find(({ name }) => !name.includes('/'));
  if (loose)
    throw new FormatError(
      `${printable(path)}: '${printable(loose.name)}' lies in no class folder, and there is no ${LABELS} beside the archive`,
    );
  const folders = images.map(({ name }) => dirname(name).split('/').at(-1)!);
  const classes = [...new Set(folders)].sort();
  const index = new Map(classes.map((name, i) => [name, i]));
  return [images, { labels: Int32Array.from(folders, (folder) => index.get(folder)!), classes }];
}

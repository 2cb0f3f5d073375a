// Data sets by name: the one function by which suites and programs open data, from the folder given or from where `bench data` puts them.

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from './data-folder.ts';
import type { Dataset } from './dataset.ts';
import { DataError, printable } from './file-error.ts';
import { cifarFromArchive, openCifar } from './readers/cifar.ts';
import { openCsv } from './readers/csv.ts';
import { openIdx } from './readers/idx.ts';
import { openImages } from './readers/images.ts';
import { IMAGENET, normalize, standardTransforms, type Transform, toTensor } from './transforms/transform.ts';

export interface OpenOptions {
  /** Default `train`. Folders of images, CSV files and `synthetic` have no parts unless they have folders `train` and `test`. */
  readonly split?: 'train' | 'test';
  /** The folder that holds data sets, or the data set itself; default: see data-folder.ts. */
  readonly dir?: string;
  /** Images as f32 with the mean and deviation that are usual for the set; without it they are u8. */
  readonly normalize?: boolean;
  /** Height and width of images from JPEG and PNG; default 224. Other sets keep their own. */
  readonly size?: number;
  /** In place of those that `size` and `normalize` stand for; for JPEG and PNG only. */
  readonly transforms?: readonly Transform[];
  /** Of random transforms. */
  readonly seed?: number;
  /** The column of labels in a CSV file. */
  readonly label?: string;
}

/** A dataset whose labels are classes. */
export type Labelled = Dataset & { readonly classes: readonly string[] };

/** A data set that has a name: the files it needs of one part, and how they are opened. */
interface Named {
  readonly name: string;
  /** Each list names files that all must be there; the first list that is complete is opened. */
  files(split: 'train' | 'test'): readonly (readonly string[])[];
  open(paths: readonly string[], options: OpenOptions): Labelled;
}

const idxNamed = (name: string, mean: number, std: number, classes?: readonly string[]): Named => ({
  name,
  files: (split) => {
    const part = split === 'train' ? 'train' : 't10k';
    return ['.gz', ''].map((suffix) => [`${part}-images-idx3-ubyte${suffix}`, `${part}-labels-idx1-ubyte${suffix}`]);
  },
  open: ([images, labels], options) =>
    openIdx({ images, labels, ...(classes && { classes }), ...(options.normalize && { normalize: { mean: [mean], std: [std] } }) }),
});

const FASHION = ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'];

/** Mean and deviation of CIFAR-10's training images. */
const CIFAR = { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] } as const;
const CIFAR_ARCHIVE = 'cifar-10-binary.tar.gz';
const cifarFiles = (split: 'train' | 'test') =>
  split === 'train' ? [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`) : ['test_batch.bin'];

const NAMED: readonly Named[] = [
  idxNamed('mnist', 0.1307, 0.3081),
  idxNamed('fashion-mnist', 0.286, 0.353, FASHION),
  {
    name: 'cifar10',
    files: (split) => [cifarFiles(split), cifarFiles(split).map((file) => join('cifar-10-batches-bin', file)), [CIFAR_ARCHIVE]],
    open: (paths, { normalize, split = 'train' }) => {
      const options = normalize ? { normalize: CIFAR } : {};
      return paths[0].endsWith(CIFAR_ARCHIVE)
        ? cifarFromArchive(paths[0], cifarFiles(split), options)
        : openCifar({ files: paths, ...options });
    },
  },
];

/** The names that `openDataset` knows besides folders and files. */
export const DATASETS: readonly string[] = [...NAMED.map(({ name }) => name), 'synthetic'];

/** The paths of the first complete list of a set's files in one of the folders, or undefined. */
const found = ({ files }: Named, split: 'train' | 'test', folders: readonly string[]): string[] | undefined =>
  folders
    .flatMap((folder) => files(split).map((list) => list.map((file) => join(folder, file))))
    .find((paths) => paths.every((path) => existsSync(path)));

function openNamed(set: Named, options: OpenOptions): Labelled {
  const { split = 'train', dir } = options;
  const home = dataFolder();
  const folders = [...(dir ? [dir, join(dir, set.name)] : []), join(home, set.name), home];
  const paths = found(set, split, folders);
  if (!paths)
    throw new DataError(
      `${set.name}: no ${set.files(split)[0][0]} in ${printable(dir ?? join(home, set.name))}; bring it by bench data get ${set.name}, or say by --data-dir where it lies`,
    );
  return set.open(paths, options);
}

/** The transforms that options stand for. */
function imageTransforms({ size = 224, normalize: normal, transforms }: OpenOptions): readonly Transform[] {
  if (transforms) return transforms;
  return [...standardTransforms(size), ...(normal ? [toTensor(), normalize(IMAGENET.mean, IMAGENET.std)] : [])];
}

async function openPlace(place: string, options: OpenOptions): Promise<Labelled> {
  const { split = 'train', label, seed } = options;
  if (!existsSync(place))
    throw new DataError(`${printable(place)}: there is no such data set, file or folder; expected ${DATASETS.join(', ')}, or a path`);
  if (/\.csv(\.gz)?$/.test(place)) return openCsv({ path: place, label });
  const inside = NAMED.find((set) => found(set, split, [place]));
  if (inside) return openNamed(inside, { ...options, dir: place });
  const part = join(place, split);
  const path = existsSync(part) && statSync(part).isDirectory() ? part : place;
  return openImages({ path, transforms: imageTransforms(options), seed });
}

/**
 * Opens a data set: `mnist`, `fashion-mnist`, `cifar10` (u8 or f32 `image` [C,H,W], i32 `label`), `synthetic` (JPEG files, made where they are missing),
 * or a path: a folder of images or of a named set's files, a tar archive, a CSV file. Rejects with a DataError or FormatError that names the file.
 */
export async function openDataset(name: string, options: OpenOptions = {}): Promise<Labelled> {
  const set = NAMED.find((each) => each.name === name);
  if (set) return openNamed(set, options);
  if (name === 'synthetic') return openPlace(await syntheticFolder(options.dir), options);
  return openPlace(name, options);
}

async function syntheticFolder(dir: string | undefined): Promise<string> {
  const { isMade, makeImages } = await import('./make/make.ts');
  const folder = join(dataFolder(dir), 'synthetic');
  if (!isMade(folder)) await makeImages({ folder, replace: false });
  return folder;
}

// The public files of the named data sets: where they lie, how long they are, and the checksums that their publishers gave.

export interface Remote {
  readonly name: string;
  readonly bytes: number;
  readonly checksum: { readonly kind: 'sha256' | 'md5'; readonly value: string };
  /** The same file in several places, tried in this order. */
  readonly urls: readonly string[];
}

export interface Source {
  readonly name: string;
  readonly summary: string;
  readonly files: readonly Remote[];
}

type Row = readonly [name: string, bytes: number, checksum: string];

/** Files that lie under the same names below several addresses. */
const remotes = (bases: readonly string[], rows: readonly Row[]): Remote[] =>
  rows.map(([name, bytes, value]) => ({
    name,
    bytes,
    checksum: { kind: value.length === 64 ? 'sha256' : 'md5', value },
    urls: bases.map((base) => base + name),
  }));

export const sources: readonly Source[] = [
  {
    name: 'mnist',
    summary: '70,000 handwritten digits, 28x28 grey (LeCun, Cortes and Burges 1998)',
    files: remotes(
      ['https://ossci-datasets.s3.amazonaws.com/mnist/', 'https://storage.googleapis.com/cvdf-datasets/mnist/'],
      [
        ['train-images-idx3-ubyte.gz', 9912422, '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609'],
        ['train-labels-idx1-ubyte.gz', 28881, '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c'],
        ['t10k-images-idx3-ubyte.gz', 1648877, '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6'],
        ['t10k-labels-idx1-ubyte.gz', 4542, 'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6'],
      ],
    ),
  },
  {
    name: 'fashion-mnist',
    summary: '70,000 articles of clothing, 28x28 grey (Xiao, Rasul and Vollgraf 2017)',
    files: remotes(
      [
        'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
        'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
      ],
      [
        ['train-images-idx3-ubyte.gz', 26421880, '8d4fb7e6c68d591d4c3dfef9ec88bf0d'],
        ['train-labels-idx1-ubyte.gz', 29515, '25c81989df183df01b3e8a0aad5dffbe'],
        ['t10k-images-idx3-ubyte.gz', 4422102, 'bef4ecab320f06d8554ea6380940ec79'],
        ['t10k-labels-idx1-ubyte.gz', 5148, 'bb300cfdad3c16e7a12a480ee83cd310'],
      ],
    ),
  },
  {
    name: 'cifar10',
    summary: '60,000 photographs of ten classes, 32x32 colour (Krizhevsky 2009)',
    files: remotes(
      ['https://www.cs.toronto.edu/~kriz/'],
      [['cifar-10-binary.tar.gz', 170052171, 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd']],
    ),
  },
];

// Shapes of convolutions: as people write them, as DeepBench's files have them, and those of nets that everybody knows.
//
//   NxCxHxW:KxRxS        input and filter; then, in this order and all optional
//   :sA[xB]pC[xD]dE[xF]gG   stride, padding, dilation (vertical x horizontal) and groups: 1x64x56x56:64x3x3:s1p1

import { CsvError, type CsvRow, readCsv } from '../harness/csv.ts';
import { UsageError } from '../harness/suite.ts';
import type { Pair } from '../kernels/problem.ts';

export interface ConvShape {
  /** [N, C, H, W]. */
  readonly input: readonly [number, number, number, number];
  /** [K, R, S]. */
  readonly filter: readonly [number, number, number];
  readonly stride: Pair;
  readonly padding: Pair;
  readonly dilation: Pair;
  readonly groups: number;
  /** Where it comes from: `--shapes`, the line of a file, or the layer of a net. */
  readonly source: string;
}

const FORM = 'NxCxHxW:KxRxS:s1p1, such as 1x64x56x56:64x3x3:s1p1; dilation and groups may follow, as d2g32';
const SHAPE = /^(\d+(?:x\d+){3}):(\d+(?:x\d+){2})(?::(?=.)(?:s(\d+(?:x\d+)?))?(?:p(\d+(?:x\d+)?))?(?:d(\d+(?:x\d+)?))?(?:g(\d+))?)?$/;

/** A file's text starts with a header line; a list on the command line never holds a line end. */
const isFile = (text: string): boolean => text.includes('\n');

/** Reads `--shapes`: a comma list, or the text of a file. Throws a UsageError that names the item or the line, and what it must be. */
export const convShapesOf = (text: string): ConvShape[] =>
  isFile(text) ? shapesOfFile(text) : text.split(',').map((item) => convShape(item.trim(), `--shapes: '${item.trim()}'`));

const numbers = (text: string): number[] => text.split('x').map(Number);

function pairOf(text: string | undefined, fallback: number): Pair {
  if (text === undefined) return fallback;
  const [vertical, horizontal = vertical] = numbers(text);
  return vertical === horizontal ? vertical : [vertical, horizontal];
}

/** One shape as people write it. Throws a UsageError that names `source`. */
export function convShape(text: string, source: string): ConvShape {
  const parts = SHAPE.exec(text);
  if (!parts) throw new UsageError(`${source} is not ${FORM}`);
  const [, input, filter, stride, padding, dilation, groups = '1'] = parts;
  return {
    input: numbers(input) as [number, number, number, number],
    filter: numbers(filter) as [number, number, number],
    stride: pairOf(stride, 1),
    padding: pairOf(padding, 0),
    dilation: pairOf(dilation, 1),
    groups: Number(groups),
    source,
  };
}

const pairText = (pair: Pair): string => (typeof pair === 'number' ? `${pair}` : pair.join('x'));

/** A shape as it is written; dilation and groups only where there are any. */
export function convShapeText({ input, filter, stride, padding, dilation, groups }: Omit<ConvShape, 'source'>): string {
  const rest = `${dilation === 1 ? '' : `d${pairText(dilation)}`}${groups === 1 ? '' : `g${groups}`}`;
  return `${input.join('x')}:${filter.join('x')}:s${pairText(stride)}p${pairText(padding)}${rest}`;
}

const COLUMNS = ['w', 'h', 'c', 'n', 'k', 'filter_w', 'filter_h', 'pad_w', 'pad_h', 'stride_w', 'stride_h'] as const;

function shapesOfFile(text: string): ConvShape[] {
  let table: ReturnType<typeof readCsv>;
  try {
    table = readCsv(text);
  } catch (error) {
    if (error instanceof CsvError) throw new UsageError(`--shapes: ${error.message}`);
    throw error;
  }
  const missing = COLUMNS.filter((name) => !table.columns.includes(name));
  if (missing.length > 0)
    throw new UsageError(`--shapes: the file lacks the columns ${missing.join(', ')}; its header must name ${COLUMNS.join(', ')}`);
  if (table.rows.length === 0) throw new UsageError('--shapes: the file has a header but no shapes');
  return table.rows.map(shapeOfRow);
}

function shapeOfRow({ line, values }: CsvRow): ConvShape {
  const source = `--shapes: line ${line}`;
  const size = (name: (typeof COLUMNS)[number]): number => {
    const least = name.startsWith('pad') ? 0 : 1;
    const text = values[name].trim();
    if (!/^\d+$/.test(text) || Number(text) < least)
      throw new UsageError(`${source}: ${name} is '${values[name]}', expected a whole number from ${least}`);
    return Number(text);
  };
  const pair = (name: 'pad' | 'stride'): Pair => pairOf(`${size(`${name}_h`)}x${size(`${name}_w`)}`, 0);
  return {
    input: [size('n'), size('c'), size('h'), size('w')],
    filter: [size('k'), size('filter_h'), size('filter_w')],
    stride: pair('stride'),
    padding: pair('pad'),
    dilation: 1,
    groups: 1,
    source,
  };
}

/** A layer of a net that everybody knows. */
export interface Layer {
  readonly net: string;
  readonly shape: string;
  /** Whether a quick run has it. */
  readonly quick?: boolean;
}

/**
 * Layers that differ, image by image: AlexNet (Krizhevsky 2012, grouped as published), VGG-16 (Simonyan and Zisserman 2014), ResNet-50 (He et al. 2015, with
 * the 1x1 of its bottlenecks and the strided ones), MobileNet (Howard et al. 2017), and DeepBench's (server training set) at its own batches.
 */
export const LAYERS: readonly Layer[] = [
  { net: 'alexnet', shape: '1x3x224x224:96x11x11:s4p2' },
  { net: 'alexnet', shape: '1x96x27x27:256x5x5:s1p2g2' },
  { net: 'alexnet', shape: '1x256x13x13:384x3x3:s1p1', quick: true },
  { net: 'alexnet', shape: '1x384x13x13:384x3x3:s1p1g2' },
  { net: 'vgg16', shape: '1x3x224x224:64x3x3:s1p1' },
  { net: 'vgg16', shape: '1x64x224x224:64x3x3:s1p1' },
  { net: 'vgg16', shape: '1x128x112x112:128x3x3:s1p1' },
  { net: 'vgg16', shape: '1x256x56x56:256x3x3:s1p1' },
  { net: 'vgg16', shape: '1x512x28x28:512x3x3:s1p1' },
  { net: 'vgg16', shape: '1x512x14x14:512x3x3:s1p1' },
  { net: 'resnet50', shape: '1x3x224x224:64x7x7:s2p3' },
  { net: 'resnet50', shape: '1x64x56x56:64x3x3:s1p1', quick: true },
  { net: 'resnet50', shape: '1x64x56x56:256x1x1:s1p0' },
  { net: 'resnet50', shape: '1x512x28x28:128x1x1:s1p0', quick: true },
  { net: 'resnet50', shape: '1x1024x14x14:256x1x1:s1p0' },
  { net: 'resnet50', shape: '1x512x7x7:2048x1x1:s1p0' },
  { net: 'resnet50', shape: '1x256x56x56:512x1x1:s2p0' },
  { net: 'mobilenet', shape: '1x3x224x224:32x3x3:s2p1', quick: true },
  { net: 'mobilenet', shape: '1x32x112x112:32x3x3:s1p1g32' },
  { net: 'mobilenet', shape: '1x128x56x56:128x3x3:s1p1g128', quick: true },
  { net: 'mobilenet', shape: '1x512x14x14:512x3x3:s1p1g512' },
  { net: 'mobilenet', shape: '1x512x14x14:512x1x1:s1p0' },
  { net: 'deepbench', shape: '4x1x161x700:32x5x20:s2p0' },
  { net: 'deepbench', shape: '4x32x79x341:32x5x10:s2p0' },
  { net: 'deepbench', shape: '8x64x54x54:64x3x3:s1p1' },
  { net: 'deepbench', shape: '8x128x27x27:128x3x3:s1p1' },
];

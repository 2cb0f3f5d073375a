// Shapes of matmul problems as people write them: `512x512x512,64x4096x1024`, or a CSV file with the columns m, n, k and what else it likes.

import { CsvError, type CsvRow, readCsv } from '../harness/csv.ts';
import { UsageError } from '../harness/suite.ts';
import { MAX_EXTENT } from '../kernels/problem.ts';

export interface Shape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** nn, nt, tn or tt, where a file says so. */
  readonly transpose?: string;
  /** Where it was given, for errors: `--shapes`, or the line of a file. */
  readonly source: string;
}

const BOUNDS = `a whole number from 1 to ${MAX_EXTENT}`;

/** A file's text starts with a header line; a list on the command line never holds a line end. */
const isFile = (text: string): boolean => text.includes('\n');

/** Reads `--shapes`: a comma list, or the text of a file. Throws a UsageError that names the item or the line, and what it must be. */
export const shapesOf = (text: string): Shape[] =>
  isFile(text) ? shapesOfFile(text) : text.split(',').map((item) => shapeOf(item.trim()));

function shapeOf(item: string): Shape {
  const sizes = item.split('x');
  if (sizes.length !== 3) throw new UsageError(`--shapes: '${item}' is not MxNxK, three sizes with x between them, such as 512x512x512`);
  const [m, n, k] = sizes.map((size, i) => sizeOf(size, `--shapes: ${'MNK'[i]} of '${item}'`));
  return { m, n, k, source: '--shapes' };
}

function sizeOf(text: string, what: string): number {
  const size = /^[+-]?[\d.]+(e\d+)?$/i.test(text.trim()) ? Number(text) : Number.NaN;
  if (!Number.isInteger(size) || size < 1 || size > MAX_EXTENT) throw new UsageError(`${what} is '${text}', expected ${BOUNDS}`);
  return size;
}

function shapesOfFile(text: string): Shape[] {
  let table: ReturnType<typeof readCsv>;
  try {
    table = readCsv(text);
  } catch (error) {
    if (error instanceof CsvError) throw new UsageError(`--shapes: ${error.message}`);
    throw error;
  }
  const missing = ['m', 'n', 'k'].filter((name) => !table.columns.includes(name));
  if (missing.length > 0)
    throw new UsageError(
      `--shapes: the file lacks the columns ${missing.join(', ')}; its header must name m, n, k and may name a_transposed, b_transposed`,
    );
  if (table.rows.length === 0) throw new UsageError('--shapes: the file has a header but no shapes');
  return table.rows.map(shapeOfRow);
}

function shapeOfRow({ line, values }: CsvRow): Shape {
  const [m, n, k] = ['m', 'n', 'k'].map((name) => sizeOf(values[name], `--shapes: line ${line}: ${name}`));
  const flags = ['a_transposed', 'b_transposed'].map((name) => flagOf(values[name], `--shapes: line ${line}: ${name}`));
  return { m, n, k, transpose: flags.map((flag) => (flag ? 't' : 'n')).join(''), source: `--shapes: line ${line}` };
}

function flagOf(text: string | undefined, what: string): boolean {
  const word = (text ?? '').trim().toLowerCase();
  if (['1', 'true', 't'].includes(word)) return true;
  if (['', '0', 'false', 'n'].includes(word)) return false;
  throw new UsageError(`${what} is '${text}', expected 0 or 1`);
}

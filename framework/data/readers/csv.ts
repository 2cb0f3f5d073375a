// A CSV file with a header line: one column is the label, the others are numbers, the features. Grammar: harness/csv.ts (RFC 4180, strict).

import { CsvError, readCsv } from '../../../harness/csv.ts';
import { FormatError } from '../../formats/array.ts';
import { textIn } from '../../formats/bytes.ts';
import type { Clock, Dataset, Fields, Slots, Values } from '../dataset.ts';
import { naming, printable } from '../file-error.ts';
import { fileBytes, unpacked } from './read-file.ts';

export interface CsvOptions {
  readonly path: string;
  /** The column of labels; default `label`. Whole numbers from 0, or names, numbered in alphabetic order. */
  readonly label?: string;
  /** The columns of features; default: all others, in the file's order. */
  readonly features?: readonly string[];
}

export interface Table {
  readonly columns: readonly string[];
  /** [count, columns]. */
  readonly features: Float32Array;
  readonly labels: Int32Array;
  readonly classes: readonly string[];
  /** The line of the file on which each sample begins. */
  readonly lines: Int32Array;
}

/** A label that is a number: no sign, no fraction, within i32. */
const NUMBER = /^\d{1,9}$/;

/** The classes of a label column, and the index of each row's. */
function classesOf(values: readonly string[]): { classes: string[]; labels: Int32Array } {
  if (values.every((value) => NUMBER.test(value))) {
    const labels = Int32Array.from(values, Number);
    const most = labels.reduce((a, b) => Math.max(a, b), 0);
    // Numbers that leave gaps as wide as the file is long are no classes.
    if (most <= Math.max(1000, 10 * values.length)) return { classes: Array.from({ length: most + 1 }, (_, i) => `${i}`), labels };
  }
  const classes = [...new Set(values)].sort();
  const index = new Map(classes.map((name, i) => [name, i]));
  return { classes, labels: Int32Array.from(values, (value) => index.get(value)!) };
}

/** The samples of a CSV text. Throws a FormatError with the line and the column. */
export function readTable(text: string, { label = 'label', features }: Omit<CsvOptions, 'path'> = {}): Table {
  const { columns, rows } = parsed(text);
  const wanted = features ?? columns.filter((name) => name !== label);
  const missing = [label, ...wanted].find((name) => !columns.includes(name));
  if (missing !== undefined)
    throw new FormatError(`csv: no column '${missing}' among ${columns.map(printable).join(', ')}; say which one holds the labels`);
  if (rows.length === 0) throw new FormatError('csv: no rows below the header, expected at least one');
  const values = new Float32Array(rows.length * wanted.length);
  rows.forEach(({ line, values: row }, n) =>
    wanted.forEach((name, i) => {
      const value = row[name].trim() === '' ? Number.NaN : Number(row[name]);
      if (!Number.isFinite(Math.fround(value)))
        throw new FormatError(`csv: line ${line}: ${printable(name)} is '${printable(row[name])}', expected a number`);
      values[n * wanted.length + i] = value;
    }),
  );
  const unlabelled = rows.find((row) => row.values[label].trim() === '');
  if (unlabelled) throw new FormatError(`csv: line ${unlabelled.line}: ${printable(label)} is empty, expected a label`);
  return {
    columns: wanted,
    features: values,
    lines: Int32Array.from(rows, ({ line }) => line),
    ...classesOf(rows.map((row) => row.values[label].trim())),
  };
}

function parsed(text: string): ReturnType<typeof readCsv> {
  try {
    return readCsv(text);
  } catch (error) {
    throw error instanceof CsvError ? new FormatError(`csv: ${printable(error.message)}`) : error;
  }
}

/** A CSV file as a dataset: `features` f32 [columns] and `label` i32. */
export class CsvTable implements Dataset {
  readonly length: number;
  readonly fields: Fields;
  readonly classes: readonly string[];
  readonly columns: readonly string[];
  readonly recipe: Dataset['recipe'];
  readonly #path: string;
  readonly #table: Table;

  constructor(options: CsvOptions) {
    const { path } = options;
    this.#path = path;
    this.#table = naming(path, () => readTable(textIn('csv: the file', unpacked(path, fileBytes(path))), options));
    this.length = this.#table.labels.length;
    this.classes = this.#table.classes;
    this.columns = this.#table.columns;
    this.fields = { features: { dtype: 'f32', shape: [this.columns.length] }, label: { dtype: 'i32', shape: [] } };
    this.recipe = { module: import.meta.url, name: 'openCsv', options };
  }

  nameOf(index: number): string {
    return `${this.#path}, line ${this.#table.lines[index]}`;
  }

  #row(index: number): Float32Array {
    const width = this.columns.length;
    return this.#table.features.subarray(index * width, (index + 1) * width);
  }

  get(index: number, clock?: Clock): Values {
    const features = this.#row(index).slice();
    clock?.mark('fetch');
    return { features, label: this.#table.labels[index] };
  }

  getInto(index: number, slots: Slots, clock?: Clock): void {
    (slots.features as Float32Array).set(this.#row(index));
    slots.label[0] = this.#table.labels[index];
    clock?.mark('fetch');
  }
}

/** The factory that a recipe names. Throws a FormatError or DataError that names the file. */
export const openCsv = (options: CsvOptions): CsvTable => new CsvTable(options);

// labels.csv: which file has which label. Columns `file` and one of `label`, `class_index` (whole numbers) or `class` (names); others are passed over.

import { CsvError, readCsv } from '../../../harness/csv.ts';
import { FormatError } from '../../formats/array.ts';
import { textIn } from '../../formats/bytes.ts';
import { printable } from '../file-error.ts';
import { insideName } from './tar.ts';

export interface LabelFile {
  readonly rows: readonly { readonly file: string; readonly line: number }[];
  readonly labels: Int32Array;
  readonly classes: readonly string[];
}

const MOST_CLASSES = 1e6;

/** Reads and checks a labels.csv. Throws a FormatError with the line; names that climb out of the folder are refused. */
export function readLabelFile(bytes: Uint8Array): LabelFile {
  const { columns, rows } = parsed(bytes);
  const numbered = ['label', 'class_index'].find((name) => columns.includes(name));
  const named = ['class', 'class_name'].find((name) => columns.includes(name));
  if (!columns.includes('file') || !(numbered ?? named))
    throw new FormatError(`labels: columns are ${columns.map(printable).join(', ')}; expected file, and label, class_index or class`);
  const seen = new Map<string, number>();
  const files = rows.map(({ line, values: { file } }) => {
    const name = insideName(file);
    if (name === '' || seen.has(name))
      throw new FormatError(
        `labels: line ${line}: '${printable(file)}' ${name === '' ? 'names no file' : `is there since line ${seen.get(name)}`}`,
      );
    seen.set(name, line);
    return { file: name, line };
  });
  if (!numbered) {
    const classes = [...new Set(rows.map(({ values }) => values[named!]))].sort();
    const index = new Map(classes.map((name, i) => [name, i]));
    return { rows: files, classes, labels: Int32Array.from(rows, ({ values }) => index.get(values[named!])!) };
  }
  const labels = Int32Array.from(rows, ({ line, values }) => {
    const text = values[numbered];
    if (!/^\d{1,7}$/.test(text) || Number(text) >= MOST_CLASSES)
      throw new FormatError(`labels: line ${line}: ${numbered} is '${printable(text)}', expected a whole number from 0`);
    return Number(text);
  });
  const classes = Array.from({ length: labels.reduce((most, label) => Math.max(most, label + 1), 0) }, (_, i) => `${i}`);
  if (named) rows.forEach(({ values }, i) => (classes[labels[i]] = values[named]));
  return { rows: files, labels, classes };
}

function parsed(bytes: Uint8Array): ReturnType<typeof readCsv> {
  try {
    return readCsv(textIn('labels: the file', bytes));
  } catch (error) {
    throw error instanceof CsvError ? new FormatError(`labels: ${printable(error.message)}`) : error;
  }
}

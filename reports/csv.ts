// CSV: `summary.csv` and `samples.csv`, columns in the contract's order, and back.
//
// RFC 4180 with CRLF line ends and one header line; numbers with `.`; empty for missing. Columns that a suite adds come last.

import { stringify } from 'csv-stringify/sync';
import type { ZodType } from 'zod';
import type { Compared } from '../harness/comparison/document.ts';
import { CsvError, readCsv } from '../harness/csv.ts';
import type { Sample, Summary } from '../harness/record.ts';
import { comparedSchema, sampleSchema, summarySchema } from './schema.ts';

export const SAMPLE_COLUMNS: readonly string[] = Object.keys(sampleSchema.shape);
export const SUMMARY_COLUMNS: readonly string[] = Object.keys(summarySchema.shape).filter((name) => name !== 'extra');

/** The contract's, with the arm and the case's suite left out: both sides' arms are there. */
const NOT_IN_CSV = ['suite', 'arm', 'code', 'deviation', 'logs'];
export const COMPARISON_COLUMNS: readonly string[] = Object.keys(comparedSchema.shape).filter((name) => !NOT_IN_CSV.includes(name));

const write = (rows: readonly object[], columns: readonly string[], header: boolean): string =>
  stringify([...rows], { columns: [...columns], header, record_delimiter: 'windows', cast: { boolean: String } });

/** A table of its own columns: what `bench tune` prints. */
export const tableCsv = (rows: readonly object[], columns: readonly string[]): string => write(rows, columns, true);

/** The names that suites add over all rows, in order of first appearance. */
export const extraColumns = (rows: readonly Summary[]): string[] => [...new Set(rows.flatMap(({ extra }) => Object.keys(extra ?? {})))];

/** The whole of `summary.csv`. */
export function summaryCsv(rows: readonly Summary[]): string {
  const flat = rows.map(({ extra, ...row }) => ({ ...extra, ...row }));
  return write(flat, [...SUMMARY_COLUMNS, ...extraColumns(rows)], true);
}

/** The whole of `comparison.csv`. */
export const comparisonCsv = (rows: readonly Compared[]): string => write(rows, COMPARISON_COLUMNS, true);

/** Rows of `samples.csv`, with the header line in front if asked for. */
export const samplesCsv = (rows: readonly Sample[], { header }: { header: boolean }): string => write(rows, SAMPLE_COLUMNS, header);

type Columns = Readonly<Record<string, ZodType>>;

/** A field back as what it was: empty is missing, the rest by the column's type. Throws a CsvError. */
function readField(name: string, text: string, schema: ZodType, line: number): unknown {
  const optional = schema.safeParse(undefined).success;
  if (text === '') {
    if (optional) return undefined;
    throw new CsvError(line, `${name} is empty`);
  }
  for (const value of [text, Number(text), text === 'true'])
    if ((typeof value !== 'boolean' || text === String(value)) && schema.safeParse(value).success) return value;
  // An error beyond all bounds is written as Infinity, which no JSON number can be.
  if (text === 'Infinity' && schema.safeParse(0).success) return Infinity;
  throw new CsvError(line, `${name} is '${text}': ${schema.safeParse(text).error?.issues[0].message}`);
}

function readRows<Row>(text: string, columns: Columns): { row: Row; rest: Record<string, string> }[] {
  if (text === '') return [];
  const table = readCsv(text);
  const missing = Object.keys(columns).filter((name) => !table.columns.includes(name));
  if (missing.length) throw new CsvError(1, `the columns ${missing.join(', ')} are missing; was the file written by another version?`);
  return table.rows.map(({ values, line }) => {
    const row: Record<string, unknown> = {};
    const rest: Record<string, string> = {};
    for (const [name, text] of Object.entries(values))
      if (!(name in columns)) rest[name] = text;
      else if (text !== '' || !columns[name].safeParse(undefined).success) row[name] = readField(name, text, columns[name], line);
    return { row: row as Row, rest };
  });
}

/** The rows of a `samples.csv`. Throws a CsvError that names line and column. */
export const readSamples = (text: string): Sample[] => readRows<Sample>(text, sampleSchema.shape).map(({ row }) => row);

/** The rows of a `summary.csv`; columns that the contract does not know become `extra`, as numbers where they read as such. */
export function readSummaries(text: string): Summary[] {
  const { extra: _, ...columns } = summarySchema.shape;
  return readRows<Summary>(text, columns).map(({ row, rest }) => {
    const added = Object.entries(rest).filter(([, value]) => value !== '');
    if (added.length === 0) return row;
    return { ...row, extra: Object.fromEntries(added.map(([name, value]) => [name, Number.isNaN(Number(value)) ? value : Number(value)])) };
  });
}

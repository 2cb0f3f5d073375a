// The formats of `--format`, by name. One writer a file; this is the list.

import { biggerIsBetter, smallerIsBetter } from './action-benchmark.ts';
import { bencher } from './bencher.ts';
import { benchmarkText, sideText } from './benchstat.ts';
import { comparisonTable } from './comparison-table.ts';
import { comparisonCsv, summaryCsv } from './csv.ts';
import { resultsJson } from './json.ts';
import { junit } from './junit.ts';
import { markdown } from './markdown.ts';
import { resultsPage } from './results-page.ts';
import type { Results } from './schema.ts';
import { stepSummary } from './step-summary.ts';
import { closing, type TableStyle, table } from './table.ts';

type Write = (results: Results) => string;

export interface Output {
  /** Its files in the results folder, each with its writer. */
  files(results: Results): Readonly<Record<string, Write>>;
  /** What stands on standard output where the format comes first; by default its first file. `style` is for the terminal: width and colour. */
  print?(results: Results, style?: TableStyle): string;
}

const one = (file: string, write: Write): Output => ({ files: () => ({ [file]: write }) });

function printedTable({ summaries, verdict, comparison }: Results, style?: TableStyle): string {
  return comparison ? comparisonTable(comparison, style) : table(summaries, style) + closing(verdict, style);
}

/** Two files of a gate, so that `benchstat base.txt head.txt` compares them. */
const benchstat: Output = {
  files({ comparison }): Readonly<Record<string, Write>> {
    if (comparison?.kind !== 'ci') return { 'benchmark.txt': benchmarkText };
    return { 'head.txt': (results) => sideText('head', results), 'base.txt': (results) => sideText('base', results) };
  },
};

export const FORMATS = {
  table: { files: () => ({ 'table.txt': printedTable }), print: printedTable },
  csv: {
    files: ({ comparison }) => ({
      ...(comparison && { 'comparison.csv': () => comparisonCsv(comparison.rows) }),
      'summary.csv': ({ summaries }) => summaryCsv(summaries),
    }),
  },
  json: one('results.json', resultsJson),
  markdown: one('report.md', markdown),
  html: one('report.html', (results) => resultsPage(results)),
  github: { ...one('step-summary.md', (results) => stepSummary(results)), print: printedTable },
  junit: one('junit.xml', junit),
  'action-benchmark': { files: () => ({ 'smaller-is-better.json': smallerIsBetter, 'bigger-is-better.json': biggerIsBetter }) },
  bencher: one('bencher.json', bencher),
  benchstat,
} as const satisfies Readonly<Record<string, Output>>;

export type Format = keyof typeof FORMATS;

export const formatNames = Object.keys(FORMATS) as readonly Format[];

/** The files of a format, by name. */
export const filesOf = (format: Format, results: Results): Record<string, string> =>
  Object.fromEntries(Object.entries((FORMATS[format] as Output).files(results)).map(([file, write]) => [file, write(results)]));

/** What a format puts on standard output. */
export function render(format: Format, results: Results, style?: TableStyle): string {
  const { files, print }: Output = FORMATS[format];
  if (print) return print(results, style);
  return Object.values(files(results))[0](results);
}

// The formats of `--format`, by name. One writer a file; this is the list.

import { summaryCsv } from './csv.ts';
import { resultsJson } from './json.ts';
import { markdown } from './markdown.ts';
import type { Results } from './schema.ts';
import { closing, type TableStyle, table } from './table.ts';

/** Each format with its file in the results folder and its writer. */
export const FORMATS = {
  table: {
    file: 'table.txt',
    write: ({ summaries, verdict }: Results, style?: TableStyle) => table(summaries, style) + closing(verdict, style),
  },
  csv: { file: 'summary.csv', write: ({ summaries }: Results) => summaryCsv(summaries) },
  json: { file: 'results.json', write: (results: Results) => resultsJson(results) },
  markdown: { file: 'report.md', write: (results: Results) => markdown(results) },
} as const;

export type Format = keyof typeof FORMATS;

export const formatNames = Object.keys(FORMATS) as readonly Format[];

/** The results in one format. `style` is for the terminal: width and colour of the table. */
export const render = (format: Format, results: Results, style?: TableStyle): string => FORMATS[format].write(results, style);

// Tables of Markdown, whose cells nothing that was measured can break.

/** Text that no table or heading of Markdown takes for its own, on one line. */
export const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll('&', '&amp;')
    .replace(/[\\|*_`<>[\]~]/g, '\\$&')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    .replace(/[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g, ' ');

/** A line of cells that are Markdown already. */
export const tableRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

export interface TableColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
}

/** The two lines that begin a table. */
export const tableHead = (columns: readonly TableColumn[]): string[] => [
  tableRow(columns.map(({ title }) => title)),
  tableRow(columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
];

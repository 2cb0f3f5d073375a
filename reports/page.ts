// A page: one file that needs nothing else, for light and dark, from a phone's width up, and for paper.

import { type Chart, inline, STYLE } from './charts/svg.ts';
import { xml } from './xml.ts';

/** The page; `body` and `style` are markup and CSS already. */
export const page = (title: string, body: string, style = ''): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${xml(title)}</title>
<style>${STYLE}${PAGE_STYLE}${style}</style>
</head>
<body>
${body}
</body>
</html>
`;

export interface DataTable {
  readonly columns: readonly { readonly title: string; readonly align: 'left' | 'right' }[];
  readonly rows: readonly (readonly string[])[];
}

/** Rows that a page shows of a table; what there are more of is in the CSV files. */
const MOST_ROWS = 2000;

/** A table that scrolls by itself where it is wider than the page. `elsewhere` is the file that has all of its rows. */
export function tableMarkup({ columns, rows }: DataTable, elsewhere: string): string {
  const classOf = (i: number) => (columns[i].align === 'right' ? ' class="number"' : '');
  const cells = (row: readonly string[]) => row.map((cell, i) => `<td${classOf(i)}>${xml(cell)}</td>`).join('');
  const head = columns.map(({ title }, i) => `<th${classOf(i)} scope="col">${xml(title)}</th>`).join('');
  const body = rows.slice(0, MOST_ROWS).map((row) => `<tr>${cells(row)}</tr>`);
  const more = rows.length > MOST_ROWS ? `<p class="note">${rows.length - MOST_ROWS} more rows are in ${xml(elsewhere)}.</p>` : '';
  return `<div class="wide"><table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body.join('\n')}\n</tbody>\n</table></div>${more}`;
}

export interface Figure {
  readonly chart: Chart;
  readonly caption: string;
  /** The figures that are drawn, for those who want numbers. */
  readonly data: DataTable;
  /** The file that has all of them. */
  readonly file: string;
}

/** A chart, what it shows, and its numbers folded away beneath. */
export const figureMarkup = ({ chart, caption, data, file }: Figure): string =>
  `<figure><h3>${xml(chart.title)}</h3>${inline(chart, caption)}<figcaption>${xml(caption)}</figcaption>
<details><summary>${data.rows.length} ${data.rows.length === 1 ? 'row' : 'rows'} of data</summary>${tableMarkup(data, file)}</details></figure>`;

const PAGE_STYLE = `
body { margin: 0 auto; max-width: 1040px; padding: 16px; font: 15px/1.45 system-ui, sans-serif; background: var(--paper); color: var(--ink); overflow-wrap: anywhere; }
h1 { font-size: 1.5em; line-height: 1.2; } h2 { font-size: 1.15em; margin-top: 2em; } h3 { font-size: 0.95em; margin: 0 0 4px; } h1, h2, h3, p, li { overflow-wrap: anywhere; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 24px 16px; align-items: start; }
figure { margin: 0; min-width: 0; } figcaption, .note { color: var(--muted); font-size: 0.85em; }
svg { width: 100%; height: auto; display: block; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.85em; margin-top: 1em; overflow-wrap: normal; }
th, td { text-align: left; vertical-align: top; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); } th { color: var(--muted); font-weight: 500; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } th.number { white-space: normal; }
dl { display: grid; grid-template-columns: minmax(6em, max-content) 1fr; gap: 4px 16px; } dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
summary { color: var(--muted); font-size: 0.85em; cursor: pointer; }
ul { padding-left: 1.2em; } li { margin: 0.3em 0; }
nav { margin-top: 1em; display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 0.85em; } a { color: var(--series0); }
.stack { display: grid; gap: 24px; } .stack figure > svg { min-width: 640px; } .stack figure { overflow-x: auto; }
.command { font: 0.85em ui-monospace, monospace; margin: 0.5em 0; } h1 { margin: 0.3em 0; } .verdict .note { margin: 0.3em 0; }
.verdict { border-left: 6px solid var(--muted); padding: 2px 0 2px 12px; } .verdict.good { border-color: var(--good); } .verdict.bad { border-color: var(--bad); }
@media print { body { max-width: none; padding: 0; font-size: 11px; } figure, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } .wide { overflow: visible; } nav, summary { display: none; } .charts { grid-template-columns: 1fr 1fr; } .stack figure > svg { min-width: 0; } }
`;

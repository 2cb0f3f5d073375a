// Markdown: a report to paste into an issue or a pull request. The same figures as the terminal's table, then where they were measured.

import { comparisonLines } from './comparison-markdown.ts';
import { factsOf } from './environment-facts.ts';
import { bestMedians, extraFigures, FIGURES, type Figure, warnings } from './figures.ts';
import { escaped, tableHead, tableRow } from './markdown-table.ts';
import type { Results, RunDocument } from './schema.ts';

const title = (run: RunDocument): string => `## bench ${escaped(run.command.join(' '))}`;

/** The table of all rows: its two first lines, then one for each row. */
export function summaryLines(summaries: Results['summaries']): { head: string[]; rows: string[] } {
  const best = bestMedians(summaries);
  const figures: Figure[] = [...FIGURES, ...extraFigures(summaries)].filter(
    (figure) => figure.rank === 0 || summaries.some((summary) => figure.cell(summary, best.get(summary.case)) !== ''),
  );
  const rows = summaries.map((summary) => {
    const cells = figures.map((figure) => escaped(figure.cell(summary, best.get(summary.case))));
    const isBest = summary.median_ns !== undefined && summary.median_ns === best.get(summary.case);
    return tableRow(isBest ? cells.map((cell, i) => (figures[i].title === 'time' ? `**${cell}**` : cell)) : cells);
  });
  return { head: tableHead(figures.map((figure) => ({ ...figure, title: escaped(figure.title) }))), rows };
}

/** The environment as a list. */
export const environmentLines = ({ environment }: RunDocument): string[] =>
  factsOf(environment).map(([name, value]) => `- ${escaped(name)}: ${escaped(value)}`);

/** The whole of `report.md`. */
export function markdown({ run, summaries, verdict = [], comparison }: Results): string {
  const heading = [title(run), ''];
  const ending = ['', '### Environment', '', ...environmentLines(run), ''];
  if (comparison) return [...heading, ...comparisonLines(comparison), ...ending].join('\n');
  const { head, rows } = summaryLines(summaries);
  const notes = warnings(summaries).map((text) => `- ${escaped(text)}`);
  return [
    ...heading,
    `Run ${escaped(run.run_id)}, ${run.started_utc}, seed ${run.seed}. Times are medians per call; the fastest of each case is bold.`,
    '',
    ...head,
    ...rows,
    ...(verdict.length ? ['', '### Verdict', '', ...verdict.map((sentence) => `- ${escaped(sentence)}`)] : []),
    ...(notes.length ? ['', '### Warnings', '', ...notes] : []),
    ...ending,
  ].join('\n');
}

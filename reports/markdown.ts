// Markdown: a report to paste into an issue or a pull request. The same figures as the terminal's table, then where they were measured.

import { bestMedians, extraFigures, FIGURES, type Figure, warnings } from './figures.ts';
import type { Results, RunDocument } from './schema.ts';

/** Text that no table or heading of Markdown takes for its own. */
const escaped = (text: string): string => text.replace(/[\\|*_`<>[\]]/g, '\\$&').replace(/\r?\n/g, ' ');

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** Everything scalar that the environment says, flattened: `cpu.model: ...`. */
function facts(value: unknown, path: readonly string[] = []): string[] {
  if (value === undefined || value === null || value === '') return [];
  if (Array.isArray(value))
    return value.length ? [`- ${path.join('.')}: ${escaped(value.map((item) => JSON.stringify(item) ?? '').join(', '))}`] : [];
  if (typeof value === 'object') return Object.entries(value).flatMap(([name, inner]) => facts(inner, [...path, name]));
  return [`- ${path.join('.')}: ${escaped(String(value))}`];
}

const title = (run: RunDocument): string => `## bench ${escaped(run.command.join(' '))}`;

/** The whole of `report.md`. */
export function markdown({ run, summaries, verdict = [] }: Results): string {
  const best = bestMedians(summaries);
  const figures: Figure[] = [...FIGURES, ...extraFigures(summaries)].filter(
    (figure) => figure.rank === 0 || summaries.some((summary) => figure.cell(summary, best.get(summary.case)) !== ''),
  );
  const lines = summaries.map((summary) => {
    const cells = figures.map((figure) => escaped(figure.cell(summary, best.get(summary.case))));
    const isBest = summary.median_ns !== undefined && summary.median_ns === best.get(summary.case);
    return row(isBest ? cells.map((cell, i) => (figures[i].title === 'time' ? `**${cell}**` : cell)) : cells);
  });
  const notes = warnings(summaries).map((text) => `- ${escaped(text)}`);
  return [
    title(run),
    '',
    `Run ${escaped(run.run_id)}, ${run.started_utc}, seed ${run.seed}. Times are medians per call; the fastest of each case is bold.`,
    '',
    row(figures.map((figure) => figure.title)),
    row(figures.map((figure) => (figure.align === 'right' ? '---:' : '---'))),
    ...lines,
    ...(verdict.length ? ['', '### Verdict', '', ...verdict.map((sentence) => `- ${escaped(sentence)}`)] : []),
    ...(notes.length ? ['', '### Warnings', '', ...notes] : []),
    '',
    '### Environment',
    '',
    ...facts(run.environment),
    '',
  ].join('\n');
}

// The page of a results folder: verdict first, then what changed, distributions, rooflines, copies, steps, all rows, and where it was measured.

import { factsOf } from './environment-facts.ts';
import { bestMedians, extraFigures, FIGURES } from './figures.ts';
import { outcomeHeadline } from './outcomes.ts';
import { type DataTable, page, tableMarkup } from './page.ts';
import type { Results } from './schema.ts';
import { copySection } from './sections/copies.ts';
import { distributionSection } from './sections/distributions.ts';
import { baselineSection, comparisonSection } from './sections/ratios.ts';
import { rooflineSection } from './sections/rooflines.ts';
import { type Section, sectionMarkup } from './sections/section.ts';
import { stepSection } from './sections/steps.ts';
import { verdictMarkup } from './sections/verdicts.ts';
import { xml } from './xml.ts';

/** The figures of all rows, without columns that say nothing. */
function summaryTable(summaries: Results['summaries']): DataTable {
  const best = bestMedians(summaries);
  const figures = [...FIGURES, ...extraFigures(summaries)].filter(
    (figure) => figure.rank === 0 || summaries.some((row) => figure.cell(row, best.get(row.case)) !== ''),
  );
  return { columns: figures, rows: summaries.map((row) => figures.map((figure) => figure.cell(row, best.get(row.case)))) };
}

function rowsSection({ summaries }: Results): Section | undefined {
  if (summaries.length === 0) return undefined;
  const count = summaries.length === 1 ? '1 row' : `${summaries.length} rows`;
  const table = tableMarkup(summaryTable(summaries), 'summary.csv');
  return { id: 'rows', title: 'All rows', lead: `<details><summary>${count}</summary>${table}</details>` };
}

function environmentSection({ run, comparison }: Results): Section {
  const { command, seed, started_utc, ended_utc, versions, environment } = run;
  const sides = comparison && { base: comparison.base, head: comparison.head };
  const list = (facts: object) =>
    `<dl>${factsOf(facts)
      .map(([name, value]) => `<dt>${xml(name)}</dt><dd>${xml(value)}</dd>`)
      .join('\n')}</dl>`;
  const facts = list({ command: `bench ${command.join(' ')}`, seed, started_utc, ended_utc, ...sides, ...environment });
  const packages = versions ? `<details><summary>Versions of packages</summary>${list(versions)}</details>` : '';
  return { id: 'environment', title: 'Environment', lead: facts + packages };
}

/** The whole page. `more` are sections from beside the results, such as timelines from a trace. */
export function resultsPage(results: Results, more: readonly (Section | undefined)[] = []): string {
  const { summaries, comparison } = results;
  const all = [
    comparison ? comparisonSection(comparison) : baselineSection(summaries),
    copySection(summaries),
    stepSection(summaries),
    ...more,
    rooflineSection(results),
    distributionSection(results),
    rowsSection(results),
    environmentSection(results),
  ];
  const sections = all.filter((section) => section !== undefined);
  const links = sections.map(({ id, title }) => `<a href="#${xml(id)}">${xml(title)}</a>`).join('\n');
  return page(
    outcomeHeadline(results),
    `<main>\n${verdictMarkup(results)}\n<nav>${links}</nav>\n${sections.map(sectionMarkup).join('\n')}\n</main>`,
  );
}

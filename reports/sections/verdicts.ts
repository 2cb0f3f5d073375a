// What stands first: what all of it comes to in a sentence, what a reader must act on, and what the suite says of its rows.

import type { Comparison } from '../../harness/comparison/document.ts';
import { isNotable, termsLine } from '../comparison-markdown.ts';
import { bySeverity } from '../comparison-words.ts';
import { warnings } from '../figures.ts';
import { outcomeCounts, outcomesOf } from '../outcomes.ts';
import { type DataTable, tableMarkup } from '../page.ts';
import type { Results } from '../schema.ts';
import { xml } from '../xml.ts';
import { comparedTable } from './ratios.ts';

/** Sentences that stand open; more of a list are folded away. */
const OPEN = 8;

/** A list; of a long one the first items, and the others folded away. */
function listMarkup(sentences: readonly string[], open = OPEN): string {
  const list = (own: readonly string[]) =>
    own.length > 0 ? `<ul>${own.map((sentence) => `<li>${xml(sentence)}</li>`).join('\n')}</ul>` : '';
  // Folding two away saves nobody anything.
  if (sentences.length <= open + 2) return list(sentences);
  return `${list(sentences.slice(0, open))}<details><summary>${sentences.length - open} more</summary>${list(sentences.slice(open))}</details>`;
}

/** Of the table of a comparison what a reader acts on. */
function notable({ columns, rows }: DataTable): DataTable {
  const kept = ['verdict', 'case', 'arm', 'base', 'head', 'change', '95 % interval', 'why'];
  const at = columns.flatMap(({ title }, i) => (kept.includes(title) ? [i] : []));
  return { columns: at.map((i) => columns[i]), rows: rows.map((row) => at.map((i) => row[i])) };
}

function comparisonMarkup(comparison: Comparison): string {
  const changed = bySeverity(comparison.rows).filter(isNotable);
  const table = changed.length > 0 ? tableMarkup(notable(comparedTable(changed)), 'comparison.csv') : '';
  return `<p>${xml(termsLine(comparison))}</p>${listMarkup(comparison.warnings)}${table}`;
}

/** The heading, with its colour, and all of the verdict. */
export function verdictMarkup(results: Results): string {
  const { summaries, verdict = [], comparison, run } = results;
  const states = new Set(outcomesOf(results).map(({ state }) => state));
  const isBad = states.has('failure') || states.has('error');
  const tone = isBad ? 'bad' : states.has('passed') ? 'good' : 'none';
  const said = comparison ? comparisonMarkup(comparison) : listMarkup(verdict) + warningMarkup(warnings(summaries));
  const command = comparison ? '' : `<p class="command">bench ${xml(run.command.join(' '))}</p>`;
  const when = `<p class="note">${xml(run.run_id)}, ${xml(run.started_utc)}${run.ended_utc === undefined ? ', not ended' : ''}; ${xml(run.environment.cpu)}, ${run.environment.cores} cores; Node ${xml(run.environment.node)}</p>`;
  return `<header class="verdict ${tone}"><h1>${xml(outcomeCounts(results))}</h1>${command}${when}</header>\n${said}`;
}

function warningMarkup(all: readonly string[]): string {
  const title = all.length === 1 ? '1 warning' : `${all.length} warnings`;
  return all.length === 0 ? '' : `<details><summary>${title}</summary>${listMarkup(all, all.length)}</details>`;
}

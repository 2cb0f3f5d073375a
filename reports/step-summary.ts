// The step summary of GitHub Actions: the verdict first, what changed next, all else folded away.
//
// GitHub refuses a summary of more than 1 MiB as a whole, so this one ends at 900 KiB, and says what it left out.

import { COMPARISON_HEAD, comparisonRow, isNotable, termsLine } from './comparison-markdown.ts';
import { bySeverity } from './comparison-words.ts';
import { warnings } from './figures.ts';
import { abbreviate } from './format.ts';
import { environmentLines, summaryLines } from './markdown.ts';
import { escaped } from './markdown-table.ts';
import { outcomeHeadline, outcomesOf } from './outcomes.ts';
import type { Results } from './schema.ts';

/** Bytes of a summary, all steps of its kind together. */
export const SUMMARY_BYTES = 900 * 1024;
/** Characters of a name or a reason: a row is to be read at a glance. */
const CELL = 240;
/** Bytes kept back for what closes a table and says what is missing. */
const CLOSING = 512;

const shown = (text: string): string => abbreviate(text, CELL);
const sizeOf = (line: string): number => Buffer.byteLength(line) + 1;

/** Lines up to a number of bytes. What begins is always ended: a block has room for its end before it starts. */
class Page {
  readonly lines: string[] = [];
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Adds lines as a whole, or nothing. */
  add(...lines: readonly string[]): boolean {
    const size = lines.reduce((sum, line) => sum + sizeOf(line), 0);
    if (size > this.#left) return false;
    this.#left -= size;
    this.lines.push(...lines);
    return true;
  }

  /** A block: its beginning, as many rows as there is room for, a line about the others, its end. */
  block(begin: readonly string[], rows: readonly string[], end: readonly string[], elsewhere: string): void {
    const ending = end.reduce((sum, line) => sum + sizeOf(line), 0) + CLOSING;
    const needed = begin.reduce((sum, line) => sum + sizeOf(line), 0) + ending;
    if (rows.length === 0 || needed > this.#left) return;
    this.#left -= ending;
    this.add(...begin);
    const kept = rows.findIndex((row) => !this.add(row));
    this.#left += ending;
    if (kept >= 0) this.add('', `${rows.length - kept} more rows have no room here; all of them are in ${elsewhere}.`);
    this.add(...end);
  }
}

const details = (title: string): string[] => ['', '<details>', `<summary>${title}</summary>`, ''];
const END_OF_DETAILS = ['', '</details>'];

function addComparison(page: Page, comparison: NonNullable<Results['comparison']>): void {
  const rows = bySeverity(comparison.rows);
  const lines = (own: typeof rows) => own.map((row) => comparisonRow(row, shown));
  const [changed, rest] = [rows.filter(isNotable), rows.filter((row) => !isNotable(row))];
  page.add(termsLine(comparison));
  page.block(
    [''],
    comparison.warnings.map((text) => `- ${escaped(shown(text))}`),
    [],
    'results.json',
  );
  page.block(['', ...COMPARISON_HEAD], lines(changed), [], 'comparison.csv');
  page.block([...details(`${rest.length} rows without a change`), ...COMPARISON_HEAD], lines(rest), END_OF_DETAILS, 'comparison.csv');
}

function addRun(page: Page, { summaries, verdict = [] }: Results): void {
  const { head, rows } = summaryLines(summaries.map((row) => ({ ...row, case: shown(row.case), arm: shown(row.arm) })));
  page.block(
    [''],
    verdict.map((sentence) => `- ${escaped(shown(sentence))}`),
    [],
    'results.json',
  );
  page.block(
    [''],
    warnings(summaries).map((text) => `- ${escaped(shown(text))}`),
    [],
    'results.json',
  );
  page.block([...details(`${rows.length} rows`), ...head], rows, END_OF_DETAILS, 'summary.csv');
}

/** The summary, in at most `bytes` bytes of UTF-8. */
export function stepSummary(results: Results, bytes = SUMMARY_BYTES): string {
  const bad = outcomesOf(results).some(({ state }) => state === 'failure' || state === 'error');
  const page = new Page(bytes - CLOSING);
  page.add(`### ${bad ? '❌' : '✅'} ${escaped(abbreviate(outcomeHeadline(results), 4 * CELL))}`, '');
  if (results.comparison) addComparison(page, results.comparison);
  else addRun(page, results);
  page.block(details('Environment'), environmentLines(results.run).map(shown), END_OF_DETAILS, 'run.json');
  return `${page.lines.join('\n')}\n`;
}

// Annotations of GitHub Actions: lines that its runner turns into marks on the run. It shows ten of a kind for each step, so nine are given, then how many more.
//
// Format: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands

import { type Outcome, outcomesOf } from './outcomes.ts';
import { rowName } from './rows.ts';
import type { Results } from './schema.ts';

const MOST = 9;
/** Characters of a message: one that is longer is cut by GitHub. */
const LONGEST = 1000;

type Level = 'error' | 'warning' | 'notice';

const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
const cut = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST).toWellFormed()}…` : text.toWellFormed());

/** A line that the runner understands. */
const command = (level: Level, title: string, message: string): string => `::${level} title=${property(cut(title))}::${data(cut(message))}`;

function levelOf({ state, type }: Outcome): Level | undefined {
  if (state === 'failure' || state === 'error') return 'error';
  if (type === 'improved') return 'notice';
  // What no suite can run on this machine is not news; what could not be decided is.
  return state === 'skipped' && type !== 'skipped' ? 'warning' : undefined;
}

const TITLES: Readonly<Record<string, string>> = { PerformanceRegression: 'slower', WrongResult: 'wrong numbers', improved: 'faster' };

/** The annotations of all rows, gravest first, each a line. */
export function annotations(results: Pick<Results, 'summaries' | 'comparison'>): string[] {
  const levels = Map.groupBy(outcomesOf(results), levelOf);
  return (['error', 'warning', 'notice'] as const).flatMap((level) => {
    const own = levels.get(level) ?? [];
    const lines = own
      .slice(0, MOST)
      .map((one) => command(level, `${TITLES[one.type] ?? one.type}: ${rowName(one)}`, one.message || one.type));
    const more = own.length - MOST;
    return more > 0 ? [...lines, command(level, `+${more} more`, `${more} more are in the step summary and in the results`)] : lines;
  });
}

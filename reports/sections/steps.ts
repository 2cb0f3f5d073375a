// Steps by their parts: where the time of a training step, a pass through a net or a feeding goes, from the columns that those suites add.

import type { Summary } from '../../harness/record.ts';
import { partsChart } from '../charts/parts.ts';
import { duration } from '../format.ts';
import type { Figure } from '../page.ts';
import { firstOf, type Section } from './section.ts';

interface Parts {
  /** Of a row's columns those with parts that follow each other, so that they add up. */
  readonly columns: (names: readonly string[]) => readonly string[];
  /** What a step spends beside them. */
  readonly rest?: string;
}

const named =
  (...wanted: readonly string[]): Parts['columns'] =>
  (names) =>
    wanted.filter((name) => names.includes(name));

/** By suite. What a loader's workers do meanwhile is no part of a step. */
const PARTS: Readonly<Record<string, Parts>> = {
  dataload: { columns: named('wait_ms', 'copy_ms', 'compute_ms'), rest: 'other' },
  feed: { columns: named('copy_ms'), rest: 'the rest of the step' },
  train: { columns: named('load_s', 'copy_s', 'step_s', 'evaluate_s', 'log_s', 'rest_s') },
  cnn: { columns: (names) => names.filter((name) => name.endsWith('_ms') && name !== 'published_ms').sort() },
};

const NANOSECONDS: Readonly<Record<string, number>> = { ms: 1e6, s: 1e9 };

/** A row with its parts in nanoseconds, by name. */
interface Split {
  readonly row: Summary;
  readonly parts: ReadonlyMap<string, number>;
}

function splitOf(row: Summary): Split | undefined {
  const rule = PARTS[row.suite];
  if (!rule || !row.extra || !row.median_ns) return undefined;
  const { extra, median_ns } = row;
  const columns = rule.columns(Object.keys(extra)).filter((name) => typeof extra[name] === 'number');
  if (columns.length === 0) return undefined;
  const parts = new Map(
    columns.map((name) => {
      const unit = name.slice(name.lastIndexOf('_') + 1);
      return [name.slice(0, -unit.length - 1), Math.max(0, Number(extra[name])) * NANOSECONDS[unit]];
    }),
  );
  const rest = median_ns - [...parts.values()].reduce((sum, part) => sum + part, 0);
  if (rule.rest && rest > 0) parts.set(rule.rest, rest);
  return { row, parts };
}

function figureOf(title: string, splits: readonly Split[]): Figure {
  // The row with the most parts has them in their order.
  const longestFirst = splits.toSorted((a, b) => b.parts.size - a.parts.size);
  const names = [...new Set(longestFirst.flatMap(({ parts }) => [...parts.keys()]))];
  const bars = splits.map(({ row, parts }) => ({ name: row.arm, parts: names.map((name) => parts.get(name) ?? 0) }));
  return {
    chart: partsChart(title, names, bars, duration),
    caption: 'Where the time of a call goes, as the arm timed it itself.',
    data: {
      columns: [
        { title: 'arm', align: 'left' },
        { title: 'call', align: 'right' },
        ...names.map((name) => ({ title: name, align: 'right' as const })),
      ],
      rows: splits.map(({ row, parts }) => [
        row.arm,
        duration(row.median_ns!),
        ...names.map((name) => (parts.has(name) ? duration(parts.get(name)!) : '')),
      ]),
    },
    file: 'summary.csv',
  };
}

export function stepSection(summaries: readonly Summary[]): Section | undefined {
  const splits = summaries.map(splitOf).filter((split) => split !== undefined);
  const cases = [...Map.groupBy(splits, ({ row }) => row.case)];
  if (cases.length === 0) return undefined;
  const { shown, lead } = firstOf(cases, 'cases', 'summary.csv');
  return { id: 'steps', title: 'Where the time of a step goes', lead, figures: shown.map(([name, own]) => figureOf(name, own)) };
}

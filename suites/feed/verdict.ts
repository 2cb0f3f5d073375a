// What the rows of the feed suite say: from how many parameters on feeding the weights costs more than a fifth of the step, how much of that is copying, and
// whether the group is as fast as any form that feeds its data.

import type { Summary } from '../../harness/record.ts';
import { count, digits, share, size, time } from '../words.ts';
import type { Form } from './forms.ts';

/** The share of a step from which on feeding is said to hurt. */
const HURTS = 0.2;

/** The rows of one size of a net, by form. */
interface Size {
  readonly parameters: number;
  readonly rows: Partial<Record<Form, Summary>>;
}

/** The sentences, for each net on each device. */
export function verdict(rows: readonly Summary[]): string[] {
  const measured = rows.filter((row) => row.median_ns !== undefined);
  const sweeps = Map.groupBy(measured, (row) => `${row.case.split('/')[1]} net on ${row.arm.split('@')[1]}`);
  return [...sweeps].flatMap(([place, rows]) => {
    const sizes = sizesOf(rows);
    return [...feeding(place, sizes), ...explained(place, sizes), ...grouping(place, sizes), ...residing(place, sizes)];
  });
}

function sizesOf(rows: readonly Summary[]): Size[] {
  return [...Map.groupBy(rows, (row) => Number(row.extra?.parameters))]
    .map(([parameters, ofSize]): Size => ({ parameters, rows: Object.fromEntries(ofSize.map((row) => [row.arm.split('@')[0], row])) }))
    .sort((a, b) => a.parameters - b.parameters);
}

/** The share of the step that a form would save by being the other. */
const saved = (row: Summary, other: Summary): number => 1 - other.median_ns! / row.median_ns!;

/** From which size on placeholders cost more than a fifth of their step against the group. */
function feeding(place: string, sizes: readonly Size[]): string[] {
  const costs = sizes.flatMap(({ parameters, rows: { placeholders, group } }) =>
    placeholders && group ? [{ parameters, cost: saved(placeholders, group) }] : [],
  );
  if (costs.length === 0) return [];
  const said = ({ parameters, cost }: (typeof costs)[number]) => `${share(Math.max(0, cost))} at ${count(parameters)}`;
  const what = `${place}: feeding the weights as placeholders costs`;
  const more = `${what} more than ${share(HURTS)} of the step`;
  const over = costs.filter(({ cost }) => cost > HURTS);
  const last = costs[costs.length - 1];
  const worst = costs.reduce((a, b) => (b.cost > a.cost ? b : a));
  if (over.length === 0) return [`${what} at most ${share(Math.max(0, worst.cost))} of the step, at ${count(worst.parameters)} parameters`];
  if (over.length === costs.length)
    return [`${more} at every size measured (${[...new Set([costs[0], last])].map(said).join(', ')} parameters)`];
  const first = costs.findLastIndex(({ cost }) => cost <= HURTS) + 1;
  if (first === costs.length)
    return [`${more} at some sizes only (${over.map(said).join(', ')}), not at the largest (${said(last)} parameters)`];
  const [before, after] = [costs[first - 1], costs[first]];
  const figures = [...new Set([before, after, last])].map(said).join(', ');
  return [`${more} from between ${count(before.parameters)} and ${count(after.parameters)} parameters on (${figures})`];
}

/** How much of the largest step with placeholders is copying. */
function explained(place: string, sizes: readonly Size[]): string[] {
  const { parameters, rows } = sizes.findLast(({ rows }) => rows.placeholders) ?? { parameters: 0, rows: {} };
  const { placeholders: row, group } = rows;
  const copyMs = Number(row?.extra?.copy_ms);
  if (!row || !Number.isFinite(copyMs)) return [];
  const bytes = (row.bytes_h2d ?? 0) + (row.bytes_d2h ?? 0);
  const more =
    group && row.median_ns! > group.median_ns! ? `, which is ${time(row.median_ns! - group.median_ns!)} more than the group's` : '';
  return [
    `${place}: with placeholders ${size(bytes)} cross in ${row.extra?.crossings} crossings a step at ${count(parameters)} parameters, ${digits(bytes / row.median_ns!)} GB/s over the step; copies by themselves take ${time(copyMs * 1e6)}, ${share((copyMs * 1e6) / row.median_ns!)} of its ${time(row.median_ns!)}${more}`,
  ];
}

/**
 * Whether the group is slower than another form that feeds its data, beyond the intervals of both. Without them nothing is said of it: processes differ by more
 * than the samples of one.
 */
function grouping(place: string, sizes: readonly Size[]): string[] {
  const others = ['placeholders', 'variables', 'assign'] as const;
  const able = sizes.flatMap(({ parameters, rows }) => {
    const { group } = rows;
    const rivals = others.flatMap((form) => (hasInterval(rows[form]) ? [{ form, row: rows[form] }] : []));
    return hasInterval(group) && rivals.length > 0 ? [{ parameters, group, rivals }] : [];
  });
  const slower = able.flatMap(({ parameters, group, rivals }) =>
    rivals
      .filter(({ row }) => group.ci_low_ns > row.ci_high_ns)
      .map(({ form, row }) => `${form} at ${count(parameters)} (${time(group.median_ns!)} against ${time(row.median_ns!)})`),
  );
  if (able.length === 0)
    return sizes.some(({ rows }) => rows.group && others.some((form) => rows[form]))
      ? [`${place}: one process of each form does not tell whether the group node is slower than another: ask for --forks 2 or more`]
      : [];
  if (slower.length > 0) return [`${place}: the group node is slower than ${slower.join(', ')}`];
  return [
    `${place}: the group node is not slower than any other form that feeds its data, beyond the interval, at ${able.length} of ${able.length} sizes`,
  ];
}

type Interval = Summary & Required<Pick<Summary, 'ci_low_ns' | 'ci_high_ns'>>;
const hasInterval = (row: Summary | undefined): row is Interval => row?.ci_low_ns !== undefined;

/** What it saves to keep the data on the device as well, where that is most. */
function residing(place: string, sizes: readonly Size[]): string[] {
  const gains = sizes.flatMap(({ parameters, rows: { group, resident } }) =>
    group && resident ? [{ parameters, gain: saved(group, resident), bytes: group.bytes_h2d ?? 0 }] : [],
  );
  if (gains.length === 0) return [];
  const { parameters, gain, bytes } = gains.reduce((a, b) => (b.gain > a.gain ? b : a));
  return [
    `${place}: data that stay on the device save at most another ${share(Math.max(0, gain))} of the step (${size(bytes)} less to feed at ${count(parameters)} parameters)`,
  ];
}

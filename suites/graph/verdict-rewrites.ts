// What the rewrites of a program save, all together and each by itself, against the static graph without any.

import type { Summary } from '../../harness/record.ts';
import { digits, share, size, time } from '../words.ts';
import { extraOf, isFaster, launches, type Measured, nsOf } from './measured.ts';

export function rewriting({ what, place, forms }: Measured): string[] {
  const { eager, none, all } = forms;
  if (!none || !all) return [];
  const program = `${place}, ${what}`;
  const before = eager ? `eagerly ${time(nsOf(eager))} in ${launches(extraOf(eager, 'launches'))}, ` : '';
  const whole = `${program}: ${before}as a static graph ${time(nsOf(none))}, with all rewrites ${time(nsOf(all))}; they save ${timeSaved(all, none)}, ${allSaved(all, none)}`;
  const alone = Object.entries(forms)
    .flatMap(([form, row]) => (row && form.startsWith('only ') ? [{ name: form.slice('only '.length), row }] : []))
    .sort((a, b) => nsOf(a.row) - nsOf(b.row));
  if (alone.length === 0) return [whole];
  const each = alone.map(({ name, row }) => `${name} ${[timeSaved(row, none), ...whatSaved(row, none)].join(', ')}`);
  return [whole, `${program}: switched on alone, they save: ${each.join('; ')}`];
}

const savedOf = (row: Summary, none: Summary, column: string): number => extraOf(none, column) - extraOf(row, column);

/** The share of the time that is saved, where a difference can be told. */
function timeSaved(row: Summary, none: Summary): string {
  const saved = 1 - nsOf(row) / nsOf(none);
  if (isFaster(row, none)) return `${share(saved)} of the time`;
  return isFaster(none, row) ? `no time (it takes ${share(-saved)} more)` : 'no time that can be told';
}

function allSaved(row: Summary, none: Summary): string {
  const part = (column: string, said: (value: number) => string) => `${said(savedOf(row, none, column))} of ${said(extraOf(none, column))}`;
  return `${part('launches', digits)} launches, ${part('kernel_bytes', size)} that kernels move, ${part('plan_bytes', size)} of the plan's memory`;
}

/** What is saved besides time, as far as something is. */
function whatSaved(row: Summary, none: Summary): string[] {
  const [fewer, moved, held] = ['launches', 'kernel_bytes', 'plan_bytes'].map((column) => savedOf(row, none, column));
  return [
    ...(fewer > 0 ? [launches(fewer)] : []),
    ...(moved > 0 ? [`${size(moved)} that kernels move`] : []),
    ...(held > 0 ? [`${size(held)} of memory`] : []),
  ];
}

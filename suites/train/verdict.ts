// What trainings came to: how many seeds reached the target, in what time, and where that time went. Timed steps have no sentences: their figures are ratios.

import type { Summary } from '../../harness/record.ts';
import { count, share, time } from '../words.ts';
import { MODELS } from './recipes.ts';
import { PHASES } from './training.ts';

const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;
/** The least and the most of some values, once where they are written alike. */
const range = (values: readonly number[], write: (value: number) => string): string => {
  const [low, high] = [write(Math.min(...values)), write(Math.max(...values))];
  return low === high ? low : `${low} to ${high}`;
};

export function verdict(rows: readonly Summary[]): string[] {
  const trained = rows.filter(({ extra, median_ns }) => extra?.accuracy !== undefined && median_ns !== undefined);
  const groups = Map.groupBy(trained, (row) => `${row.case.replace(/\/seed-\d+$/, '')} ${row.arm}`);
  return [...groups.values()].flatMap((group) => [...reached(group), spent(group)]);
}

const numbers = (rows: readonly Summary[], name: string): number[] => rows.map(({ extra }) => Number(extra?.[name]));
const titleOf = ({ case: name, arm }: Summary): string => `${name.split('/')[1]} by ${arm}`;

function reached(rows: readonly Summary[]): string[] {
  const [first] = rows;
  const accuracies = numbers(rows, 'accuracy');
  const [tested] = numbers(rows, 'test_images');
  const found = `${range(accuracies, percent)} of ${count(tested)} test images right at the end, in ${range(
    rows.map(({ median_ns }) => median_ns!),
    time,
  )}`;
  // A quick training is too short for what the recipe was made to reach.
  if (/-images\//.test(first.case)) return [`${titleOf(first)}, a quick look: ${found}`];
  const { target } = MODELS[first.case.split('/')[1]].recipe;
  const there = accuracies.filter((accuracy) => accuracy >= target).length;
  return [`${titleOf(first)}: ${percent(target)} was reached in ${there} of ${rows.length} seeds (${found})`];
}

function spent(rows: readonly Summary[]): string {
  const total = rows.reduce((sum, { median_ns }) => sum + median_ns! / 1e9, 0);
  const parts = PHASES.map((phase) => ({ phase, part: numbers(rows, `${phase}_s`).reduce((sum, each) => sum + each, 0) / total }));
  const [largest, ...others] = parts.sort((a, b) => b.part - a.part).map(({ phase, part }) => `${phase} ${share(part)}`);
  return `${titleOf(rows[0])}: its time is ${largest}, ${others.join(', ')}; ${range(numbers(rows, 'images_per_s'), count)} images a second while it trains`;
}

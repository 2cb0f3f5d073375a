// A distribution for each case: all samples of its arms, as they were measured.

import type { Sample } from '../../harness/record.ts';
import { type Distribution, distributionChart } from '../charts/distributions.ts';
import { bySeverity } from '../comparison-words.ts';
import { duration } from '../format.ts';
import type { DataTable, Figure } from '../page.ts';
import { quantile } from '../quantile.ts';
import type { Results } from '../schema.ts';
import { firstOf, type Section } from './section.ts';

const COLUMNS: DataTable['columns'] = [
  { title: 'arm', align: 'left' },
  { title: 'samples', align: 'right' },
  { title: 'left out', align: 'right' },
  { title: 'least', align: 'right' },
  { title: 'quartile', align: 'right' },
  { title: 'median', align: 'right' },
  { title: 'quartile', align: 'right' },
  { title: 'most', align: 'right' },
];

/** Samples of an arm. Disturbed ones are left out, unless there are no others. */
interface ArmSamples extends Distribution {
  readonly dropped: number;
}

function armOf(name: string, samples: readonly Sample[]): ArmSamples {
  const clean = samples.filter(({ dropped }) => !dropped);
  const kept = clean.length > 0 ? clean : samples;
  return { name, values: kept.map(({ value }) => value), dropped: samples.length - clean.length };
}

type Order = (a: ArmSamples, b: ArmSamples) => number;

const fastestFirst: Order = (a, b) => quantile(a.values, 0.5) - quantile(b.values, 0.5);
/** Both sides of an arm next to each other, the base first. */
const bySide: Order = (a, b) => compare(a.name.replace(/^\w+:/, ''), b.name.replace(/^\w+:/, '')) || compare(a.name, b.name);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function figureOf(title: string, samples: readonly Sample[], order: Order): Figure {
  const arms = [...Map.groupBy(samples, ({ arm }) => arm)].map(([name, own]) => armOf(name, own)).sort(order);
  const disturbed = arms.filter(({ values, dropped }) => dropped === values.length).length;
  const note =
    disturbed > 0
      ? ` Of ${arms.length} arms ${disturbed} ${disturbed === 1 ? 'has' : 'have'} disturbed samples alone, which are shown all the same.`
      : '';
  return {
    chart: distributionChart(title, arms, duration),
    caption: `Time of a call; a dot is a sample, a box goes from quartile to quartile.${note}`,
    data: {
      columns: COLUMNS,
      rows: arms.map(({ name, values, dropped }) => [
        name,
        String(values.length),
        dropped > 0 ? String(dropped) : '',
        ...[0, 0.25, 0.5, 0.75, 1].map((p) => duration(quantile(values, p))),
      ]),
    },
    file: 'samples.csv',
  };
}

/** Of a comparison the cases that changed come first. */
export function distributionSection({ samples, comparison }: Pick<Results, 'samples' | 'comparison'>): Section | undefined {
  const first = comparison ? bySeverity(comparison.rows).map((row) => row.case) : [];
  const times = samples.filter(({ metric, unit }) => metric === 'time' && unit === 'ns');
  // One sample is no distribution: a whole training run is timed once.
  const cases = [...Map.groupBy(times, ({ case: name }) => name)].filter(([, own]) => own.length > 1);
  if (cases.length === 0) return undefined;
  const place = (name: string) => (first.includes(name) ? first.indexOf(name) : first.length);
  const inOrder = cases.sort(([a], [b]) => place(a) - place(b));
  const { shown, lead } = firstOf(inOrder, 'cases', 'samples.csv');
  return {
    id: 'distributions',
    title: 'Distributions',
    lead,
    figures: shown.map(([name, own]) => figureOf(name, own, comparison ? bySide : fastestFirst)),
  };
}

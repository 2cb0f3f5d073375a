// A distribution for each case: all samples of its arms, as they were measured.

import type { Sample } from '../../harness/record.ts';
import { type Distribution, distributionChart } from '../charts/distributions.ts';
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

function figureOf(title: string, samples: readonly Sample[]): Figure {
  const arms = [...Map.groupBy(samples, ({ arm }) => arm)].map(([name, own]) => armOf(name, own));
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

/** `first` are cases that come before the others. */
export function distributionSection({ samples }: Pick<Results, 'samples'>, first: readonly string[] = []): Section | undefined {
  const times = samples.filter(({ metric, unit }) => metric === 'time' && unit === 'ns');
  const cases = [...Map.groupBy(times, ({ case: name }) => name)];
  if (cases.length === 0) return undefined;
  const place = (name: string) => (first.includes(name) ? first.indexOf(name) : first.length);
  const inOrder = cases.sort(([a], [b]) => place(a) - place(b));
  const { shown, lead } = firstOf(inOrder, 'cases', 'samples.csv');
  return { id: 'distributions', title: 'Distributions', lead, figures: shown.map(([name, own]) => figureOf(name, own)) };
}

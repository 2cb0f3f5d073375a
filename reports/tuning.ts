// What tunings found, for people: a page with a table, how much each winner pays and how sure that is, the way there, and maps of the spaces.

import { type Cell, type HeatMap, heatMap } from './charts/heat-map.ts';
import { type Interval, intervalChart } from './charts/intervals.ts';
import { progressChart } from './charts/progress.ts';
import type { Chart } from './charts/svg.ts';
import { duration } from './format.ts';
import { type DataTable, figureMarkup, page, tableMarkup } from './page.ts';
import { xml } from './xml.ts';

/** One measured configuration. */
export interface Evaluation {
  readonly tunables: Readonly<Record<string, number>>;
  /** Of a call; undefined where it failed. */
  readonly ns?: number;
  /** Why it failed, where it did. */
  readonly failure?: string;
}

/** The search of one kernel's space for one problem on one place. */
export interface SearchRecord {
  readonly kernel: string;
  readonly space: Readonly<Record<string, readonly number[]>>;
  /** In the order measured. */
  readonly evaluations: readonly Evaluation[];
}

/** What was decided in the end, from fresh processes: absent where a tuning was not finished. */
export interface DecisionRecord {
  readonly kernel: string;
  readonly tunables: string;
  readonly ns: number;
  readonly defaultKernel?: string;
  readonly defaultNs?: number;
  readonly ratio?: Omit<Interval, 'name'>;
  readonly seconds?: number;
  readonly spaceSize?: number;
}

/** The tuning of one problem on one place. */
export interface TuningRecord {
  /** `matmul/256x256x256/nn/f32@cpu/2`. */
  readonly name: string;
  readonly searches: readonly SearchRecord[];
  readonly decision?: DecisionRecord;
}

export interface TuningReport {
  readonly title: string;
  /** Where and when it was measured, by name. */
  readonly facts: Readonly<Record<string, string>>;
  readonly tunings: readonly TuningRecord[];
}

/** Pairs of tunables that are mapped for each search: those that matter most. */
const MAPPED = 3;

const knobs = (tunables: Readonly<Record<string, number>>): string =>
  Object.entries(tunables)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');

/** The fastest configuration of a search, if any was right. */
export function bestOf({ evaluations }: SearchRecord): Required<Pick<Evaluation, 'tunables' | 'ns'>> | undefined {
  let best: Required<Pick<Evaluation, 'tunables' | 'ns'>> | undefined;
  for (const { tunables, ns } of evaluations) if (ns !== undefined && !(best && best.ns <= ns)) best = { tunables, ns };
  return best;
}

/** How much of the time hangs on a tunable: the spread of the best times that its values reach, 1 where it does not matter. */
function weightOf(name: string, { evaluations }: SearchRecord): number {
  const best = new Map<number, number>();
  for (const { tunables, ns } of evaluations)
    if (ns !== undefined) best.set(tunables[name], Math.min(best.get(tunables[name]) ?? Number.POSITIVE_INFINITY, ns));
  return best.size < 2 ? 1 : Math.max(...best.values()) / Math.min(...best.values());
}

/** The maps of a search over the pairs of tunables that matter most. */
export function mapsOf(search: SearchRecord): HeatMap[] {
  const ranked = Object.keys(search.space)
    .map((name) => ({ name, weight: weightOf(name, search) }))
    .filter(({ weight }) => weight > 1)
    .sort((a, b) => b.weight - a.weight)
    .map(({ name }) => name);
  const pairs = ranked.flatMap((a, i) => ranked.slice(i + 1).map((b) => [a, b] as const));
  const rankOf = ([a, b]: readonly [string, string]) => ranked.indexOf(a) + ranked.indexOf(b);
  return pairs
    .sort((a, b) => rankOf(a) - rankOf(b))
    .slice(0, MAPPED)
    .map(([rowName, columnName]) => mapOf(search, columnName, rowName));
}

function mapOf(search: SearchRecord, columnName: string, rowName: string): HeatMap {
  const best = bestOf(search)!.ns;
  const cells = new Map<string, Cell>();
  for (const { tunables, ns } of search.evaluations) {
    if (ns === undefined) continue;
    const [column, row] = [tunables[columnName], tunables[rowName]];
    const known = cells.get(`${column} ${row}`);
    cells.set(`${column} ${row}`, {
      column,
      row,
      times: Math.min(known?.times ?? Number.POSITIVE_INFINITY, ns / best),
      count: (known?.count ?? 0) + 1,
    });
  }
  const seen = (pick: (cell: Cell) => number) => [...new Set([...cells.values()].map(pick))].sort((a, b) => a - b);
  return { columnName, rowName, columns: seen(({ column }) => column), rows: seen(({ row }) => row), cells: [...cells.values()] };
}

/** A chart, the name of its file, and what it shows. */
export interface NamedChart {
  readonly file: string;
  readonly chart: Chart;
  readonly caption: string;
  readonly data: DataTable;
}

const columnsOf = (left: readonly string[], right: readonly string[]): DataTable['columns'] => [
  ...left.map((title) => ({ title, align: 'left' as const })),
  ...right.map((title) => ({ title, align: 'right' as const })),
];

/** What was measured, in order. */
const progressTable = (searches: readonly SearchRecord[]): DataTable => ({
  columns: columnsOf(['kernel', 'tunables'], ['time']),
  rows: searches.flatMap(({ kernel, evaluations }) =>
    evaluations.map(({ tunables, ns, failure }) => [kernel, knobs(tunables), ns === undefined ? (failure ?? 'failed') : duration(ns)]),
  ),
});

const mapTable = ({ rowName, columnName, cells }: HeatMap): DataTable => ({
  columns: columnsOf([], [rowName, columnName, 'times the best', 'configurations']),
  rows: cells.map(({ row, column, times, count }) => [row, column, times.toFixed(3), count].map(String)),
});

const gainsTable = (rows: readonly Interval[]): DataTable => ({
  columns: columnsOf(['problem'], ['times as fast', '95 % interval']),
  rows: rows.map(({ name, value, low, high }) => [
    name,
    value.toFixed(3),
    low === undefined || high === undefined ? '' : `${low.toFixed(3)} to ${high.toFixed(3)}`,
  ]),
});

const fileName = (...parts: readonly string[]): string => `${parts.join('.').replaceAll(/[^\w.+-]+/g, '-')}.svg`;

/** What a tuning's page shows: its progress, and the maps of each of its searches. */
export function chartsOf({ name, searches }: TuningRecord): NamedChart[] {
  const drawn = searches.filter(({ evaluations }) => evaluations.length > 1);
  const runs = drawn.map(({ kernel, evaluations }) => ({
    name: kernel,
    steps: evaluations.map(({ tunables, ns, failure }) => ({
      ns,
      words: `${kernel} ${knobs(tunables)}: ${ns === undefined ? (failure ?? 'failed') : duration(ns)}`,
    })),
  }));
  const progress = {
    file: fileName(name, 'progress'),
    chart: progressChart(`${name}: progress`, runs, duration),
    caption: 'A dot is a measured configuration, a cross one that failed; the line is the best so far.',
    data: progressTable(drawn),
  };
  const maps = drawn.flatMap((search) =>
    mapsOf(search).map((map) => ({
      file: fileName(name, search.kernel, map.rowName, map.columnName),
      chart: heatMap(`${search.kernel}: the best time by ${map.rowName} and ${map.columnName}`, map),
      caption: 'The best time that any configuration with these two values reached, as a multiple of the best of all.',
      data: mapTable(map),
    })),
  );
  return runs.length > 0 ? [progress, ...maps] : [];
}

/** How much every finished tuning pays; undefined where none is finished. */
export function gainsChart({ tunings }: TuningReport): NamedChart | undefined {
  const rows = tunings.flatMap(({ name, decision }) => (decision?.ratio ? [{ name, ...decision.ratio }] : []));
  if (rows.length === 0) return undefined;
  const caption = 'Bars are 95 % intervals from fresh processes.';
  return { file: 'gains.svg', chart: intervalChart('How much tuning pays', rows), caption, data: gainsTable(rows) };
}

const count = (searches: readonly SearchRecord[]): number => searches.reduce((sum, { evaluations }) => sum + evaluations.length, 0);
const failures = (searches: readonly SearchRecord[]): number =>
  searches.reduce((sum, { evaluations }) => sum + evaluations.filter(({ ns }) => ns === undefined).length, 0);

/** Calls after which the time that tuning took is won back; nothing where it wins nothing. */
function amortised({ ns, defaultNs, seconds, ratio }: DecisionRecord): string {
  if (defaultNs === undefined || seconds === undefined || !ratio || !((ratio.low ?? ratio.value) > 1)) return '';
  return Math.ceil((seconds * 1e9) / (defaultNs - ns)).toLocaleString('en');
}

export const TUNING_COLUMNS = ['problem', 'found', 'time', 'default', 'times as fast', 'sure to', 'measured', 'failed', 'won back after'];

/** The cells of the table, a row for each tuning. */
export const tuningRows = ({ tunings }: TuningReport): string[][] =>
  tunings.map(({ name, searches, decision }) => {
    const measured = [String(count(searches)), String(failures(searches) || '')];
    if (!decision) {
      const best = searches
        .flatMap((search) => (bestOf(search) ? [{ kernel: search.kernel, ...bestOf(search)! }] : []))
        .sort((a, b) => a.ns - b.ns)[0];
      const found = best ? `${best.kernel} ${knobs(best.tunables)}` : 'nothing right';
      return [name, found, best ? duration(best.ns) : '', '', '', 'not finished', ...measured, ''];
    }
    const { kernel, tunables, ns, defaultNs, defaultKernel, ratio } = decision;
    const isDefault = ratio?.value === 1 && ratio.low === undefined;
    const sure = ratio?.low === undefined ? (isDefault ? 'the default stays' : '') : `${ratio.low.toFixed(3)} to ${ratio.high!.toFixed(3)}`;
    const usual =
      defaultNs === undefined ? '' : `${duration(defaultNs)}${defaultKernel && defaultKernel !== kernel ? ` (${defaultKernel})` : ''}`;
    return [
      name,
      `${kernel} ${tunables}`,
      duration(ns),
      usual,
      ratio ? ratio.value.toFixed(3) : '',
      sure,
      ...measured,
      amortised(decision),
    ];
  });

/** Geometric mean of the ratios of finished tunings, in words. */
export function summaryOf({ tunings }: TuningReport): string {
  const ratios = tunings.flatMap(({ decision }) => decision?.ratio ?? []);
  if (ratios.length === 0) return `${tunings.length} tunings, none of them finished.`;
  const mean = Math.exp(ratios.reduce((sum, { value }) => sum + Math.log(value), 0) / ratios.length);
  const sure = ratios.filter(({ low }) => low !== undefined && low > 1).length;
  const slower = ratios.filter(({ high }) => high !== undefined && high < 1).length;
  const unfinished = tunings.length - ratios.length;
  const rest = unfinished > 0 ? ` ${unfinished} not finished.` : '';
  return `${ratios.length} tunings: ${mean.toFixed(3)} times as fast as the defaults (geometric mean); ${sure} faster beyond doubt, ${slower} slower.${rest}`;
}

/** The page: one file that needs nothing else, for light and dark, from a phone's width up. */
export function tuningPage(report: TuningReport): string {
  const gains = gainsChart(report);
  const figure = (shown: NamedChart) => figureMarkup({ ...shown, file: 'the journals' });
  const columns = columnsOf(TUNING_COLUMNS.slice(0, 2), TUNING_COLUMNS.slice(2));
  const table = tableMarkup({ columns, rows: tuningRows(report) }, 'summary.csv');
  const sections = report.tunings.map((tuning) => {
    const charts = chartsOf(tuning).map(figure);
    return `<section><h2>${xml(tuning.name)}</h2><div class="charts">${charts.join('\n')}</div></section>`;
  });
  const facts = Object.entries(report.facts).map(([name, value]) => `<dt>${xml(name)}</dt><dd>${xml(value)}</dd>`);
  return page(
    report.title,
    `<h1>${xml(report.title)}</h1>
<p>${xml(summaryOf(report))}</p>
<div class="gains">${gains ? figure(gains) : ''}</div>
${table}
${sections.join('\n')}
<section><h2>Where</h2><dl>${facts.join('')}</dl></section>`,
    TUNING_STYLE,
  );
}

const TUNING_STYLE = '.gains { max-width: 500px; } td { min-width: 4em; } .wide > table td:nth-child(2) { min-width: 12em; }';

// `bench tune replay`: strategies search recordings, many seeds each, beside random search.

import { writeFileSync } from 'node:fs';
import { tableCsv } from '../../reports/csv.ts';
import { curvesSvg } from '../../reports/curves.ts';
import { UsageError } from '../suite.ts';
import { rankedIn } from '../tuner/ranking.ts';
import { type Recording, readRecording } from '../tuner/recording.ts';
import { foundAfter, type Runs, replays, standing } from '../tuner/replay.ts';
import type { Configuration } from '../tuner/space.ts';
import { strategyOf } from '../tuner/strategies/catalog.ts';
import { EXIT, type ExitCode } from './exit.ts';

export interface ReplayFlags {
  readonly strategy: string[];
  readonly evaluations?: string[];
  readonly seeds: number;
  readonly batch: number;
  readonly warm?: string;
  readonly model?: boolean;
  readonly format: string;
  readonly svg?: string;
}

/** What every strategy is shown beside. */
const BASELINE = 'random';
/** Evaluations that are looked at if nothing is said: so many, or this share of the space where that is more. */
const EVALUATIONS = 60;
const SHARE = 0.1;
/** How many of another recording's best a warm start begins with. */
const WARM = 4;

export function replayRecordings(paths: readonly string[], flags: ReplayFlags): ExitCode {
  if (!['table', 'csv'].includes(flags.format)) throw new UsageError(`--format is ${flags.format}, expected table or csv`);
  const strategies = [...new Set([...flags.strategy, BASELINE])].map(strategyOf);
  const given = flags.evaluations?.map(evaluationsOf);
  const recordings = paths.map(readRecording);
  const initial = flags.warm === undefined ? undefined : bestOf(readRecording(flags.warm), WARM);
  const all: { recording: Recording; runs: Runs[]; looks: readonly number[] }[] = [];
  for (const recording of recordings) {
    if (recording.cut !== undefined) console.error(`bench: ${recording.cut}`);
    if (initial && !initial.some((each) => recording.space.contains(each)))
      throw new UsageError(
        `--warm: none of its best is among the configurations of ${recording.name}; give a recording of the same kernel`,
      );
    const looks = given ?? [Math.max(EVALUATIONS, Math.round(SHARE * recording.space.size))];
    const ranked = flags.model ? rankedIn(recording) : undefined;
    const options = { seeds: flags.seeds, evaluations: Math.max(...looks), batch: flags.batch, initial, ranked };
    all.push({ recording, looks, runs: strategies.map((strategy) => replays(recording, strategy, options)) });
  }
  process.stdout.write(flags.format === 'csv' ? everyEvaluation(all) : table(all));
  if (flags.svg !== undefined) writeCurves(flags.svg, all);
  return EXIT.passed;
}

function evaluationsOf(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new UsageError(`--evaluations: '${text}' leaves nothing to measure; expected whole numbers above 0`);
}

/** The fastest of a recording, best first. */
const bestOf = ({ space, seconds }: Recording, count: number): Configuration[] =>
  [...seconds.keys()]
    .sort((a, b) => seconds[a] - seconds[b])
    .slice(0, count)
    .map((index) => space.at(index));

type Replayed = readonly { readonly recording: Recording; readonly runs: readonly Runs[]; readonly looks: readonly number[] }[];

/** `3.0 %` above the optimum. */
const above = (ratio: number): string => `${(100 * (ratio - 1)).toFixed(1)} %`;

const HEAD = '  strategy     evaluations  above best  in 95 % to   within 5 %';

function row(strategy: string, evaluations: string | number, found: readonly number[]): string {
  const { mean, p95, within5 } = standing(found);
  const columns = [above(mean), above(p95), `${(100 * within5).toFixed(1)} %`].map((text) => text.padStart(12));
  return `  ${strategy.padEnd(12)} ${String(evaluations).padStart(11)} ${columns.join(' ')}`;
}

function table(all: Replayed): string {
  const lines = all.flatMap(({ recording: { name, device, space, seconds }, runs, looks }) => {
    const failed = seconds.reduce((sum, each) => sum + (Number.isFinite(each) ? 0 : 1), 0);
    const head = `${name} on ${device}: ${space.size} configurations, ${failed} of them failures; ${runs[0].curves.length} seeds`;
    return [head, HEAD, ...runs.flatMap((each) => looks.map((look) => row(each.strategy, look, foundAfter(each, look)))), ''];
  });
  return `${[...lines, ...(all.length > 1 ? together(all) : [])].join('\n')}\n`;
}

/** All recordings as one: each has the same number of runs. */
function together(all: Replayed): string[] {
  const strategies = all[0].runs.map(({ strategy }) => strategy);
  const rows = strategies.flatMap((strategy, s) =>
    all[0].looks.map((look, l) => {
      const found = all.flatMap(({ runs, looks }) => foundAfter(runs[s], looks[l]));
      const isSame = all.every(({ looks }) => looks[l] === look);
      return row(strategy, isSame ? look : 'as above', found);
    }),
  );
  return [`All ${all.length} together`, HEAD, ...rows, ''];
}

function everyEvaluation(all: Replayed): string {
  const rows = all.flatMap(({ recording: { name, device }, runs }) =>
    runs.flatMap((each) =>
      Array.from(each.curves[0], (_, i) => {
        const { mean, p95, within5 } = standing(foundAfter(each, i + 1));
        return { recording: name, device, strategy: each.strategy, evaluations: i + 1, ratio: mean, ratio_p95: p95, within_5_pct: within5 };
      }),
    ),
  );
  return tableCsv(rows, ['recording', 'device', 'strategy', 'evaluations', 'ratio', 'ratio_p95', 'within_5_pct']);
}

function writeCurves(path: string, all: Replayed): void {
  const panels = all.map(({ recording, runs }) => ({
    title: `${recording.name}, ${recording.space.size} configurations`,
    curves: runs.map((each) => ({
      name: each.strategy,
      values: Array.from(each.curves[0], (_, i) => standing(foundAfter(each, i + 1)).mean),
    })),
  }));
  try {
    writeFileSync(path, curvesSvg(panels, { x: 'evaluations', y: 'found / optimum' }));
  } catch (error) {
    throw new UsageError(`--svg: ${path} cannot be written: ${(error as NodeJS.ErrnoException).code}`);
  }
}

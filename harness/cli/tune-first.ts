// `bench run --tune tune|force`: tunes what a run is going to measure before it is measured, so that its tunables are those of this machine.

import { existsSync } from 'node:fs';
import { bucketKey, problemKey } from '../../kernels/tuned/problem-key.ts';
import type { TunedTable } from '../../kernels/tuned/table.ts';
import type { Entry, PlannedCase } from '../plan.ts';
import { parseBudget } from '../tuner/budget.ts';
import { DEFAULT_STRATEGY } from '../tuner/strategies/catalog.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { newFolder } from './places.ts';
import type { RunFlags } from './run-options.ts';
import type { Planned } from './run-plan.ts';
import type { TuneFlags } from './tune-options.ts';
import { type PlannedTuning, placesOf, planProblem, type TunePlace, type TunePlan } from './tune-plan.ts';

/** What each problem may take on each place, where `--tune-budget` does not say. */
export const DEFAULT_BUDGET = '10s';

/** Tunes what the table lacks of a plan, or with `force` all of it. Returns undefined where nothing was to be tuned. */
export async function tuneFirst(
  { plan, probes }: Planned,
  table: TunedTable,
  flags: RunFlags,
  command: readonly string[],
): Promise<ExitCode | undefined> {
  const places = [...probes].flatMap(([device, opened]) => ('missing' in opened ? [] : placesOf(device, opened, plan.request.threads)));
  const isWanted = flags.tune === 'force' ? () => true : (one: PlannedTuning) => !isKnown(one, table);
  const tunings = dedupe(plan.cases.flatMap((planned) => places.flatMap((place) => tuningOf(planned, place, flags) ?? []))).filter(
    isWanted,
  );
  if (tunings.length === 0) return undefined;
  const { runTunings } = await import('./tune-live.ts');
  const name = plan.suite.name;
  const target = { name, problems: tunings };
  const tunePlan: TunePlan = { target, places, tunings, probes };
  const dir = flags.out === undefined ? newFolder(`tune-${name}`, new Date()) : `${flags.out}-tuning`;
  console.error(`tuning ${tunings.length} ${tunings.length === 1 ? 'problem' : 'problems'} first: ${dir}`);
  const code = await runTunings(tunePlan, dir, tuneFlagsOf(flags, existsSync(dir)), command, { silent: true });
  return code === EXIT.interrupted || code === EXIT.usage ? code : EXIT.passed;
}

const tuneFlagsOf = ({ seed, timeout, roof, verbose, kernels, tuneBudget }: RunFlags, resume: boolean): TuneFlags => ({
  ...{ seed, timeout, roof, verbose, kernels, resume },
  strategy: DEFAULT_STRATEGY,
  budget: tuneBudget ?? parseBudget(DEFAULT_BUDGET),
  format: ['table'],
  save: true,
});

/** The tuning of a case on a place, if kernels of ours are going to be measured there. */
function tuningOf({ case: one, entries }: PlannedCase, place: TunePlace, flags: RunFlags): PlannedTuning | undefined {
  const { problem, constants = [], name } = one;
  const isHere = ({ arm, refusal }: Entry) =>
    refusal === undefined && arm.kernel !== undefined && arm.device === place.device && arm.threads === place.threads;
  // Suites that say which tunables they are about are not to be tuned.
  const able = entries.filter((entry) => isHere(entry) && entry.tuneSource !== 'pinned').map(({ arm }) => arm.kernel!);
  if (problem === undefined || able.length === 0) return undefined;
  return planProblem({ name, problem, constants }, place, { kernels: flags.kernels && [...new Set(able)] });
}

const keyOf = ({ problem, constants, place }: PlannedTuning): string => [problemKey(problem), constants.join(), place.name].join('\n');

const dedupe = (tunings: readonly PlannedTuning[]): PlannedTuning[] => [...new Map(tunings.map((one) => [keyOf(one), one])).values()];

/** Whether the table has measured the problem here, or one of its bucket, with all the kernels that are asked for. */
function isKnown({ problem, constants, place, spaces }: PlannedTuning, table: TunedTable): boolean {
  const bucket = bucketKey(problem);
  const held = [...constants].sort().join();
  const near = table
    .near(problem, place.machine, constants)
    .filter(({ level }) => level === 'exact' || level === 'nearest')
    .flatMap(({ entries }) => entries)
    .filter((entry) => [...(entry.constants ?? [])].sort().join() === held && bucketKey(entry.problem) === bucket);
  return near.some((entry) => [...spaces.keys()].some(({ name }) => name === entry.kernel));
}

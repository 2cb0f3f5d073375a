// `bench run --tune tune|force`: tunes what a run is going to measure before it is measured, so that its tunables are those of this machine.

import { existsSync } from 'node:fs';
import { choicesFor } from '../../kernels/catalog.ts';
import { bucketKey, problemKey } from '../../kernels/tuned/problem-key.ts';
import type { Entry, PlannedCase } from '../plan.ts';
import { parseBudget } from '../tuner/budget.ts';
import { DEFAULT_STRATEGY } from '../tuner/strategies/catalog.ts';
import { EXIT, type ExitCode } from './exit.ts';
import type { RunFlags } from './run-options.ts';
import type { Planned } from './run-plan.ts';
import type { TuneFlags } from './tune-options.ts';
import { type PlannedTuning, placesOf, planProblem, type TunePlace, type TunePlan } from './tune-plan.ts';

/** What each problem may take on each place, where `--tune-budget` does not say. */
export const DEFAULT_BUDGET = '10s';

/**
 * Tunes what the table lacks of a plan, or with `--tune force` all of it, into the folder `DIR-tuning`. Returns undefined where nothing was to be tuned:
 * other `--tune`, a run that goes on with the tunables that it began with, or all known.
 */
export async function tuneFirst(
  { plan, probes }: Planned,
  flags: RunFlags,
  dir: string,
  command: readonly string[],
): Promise<ExitCode | undefined> {
  if ((flags.tune !== 'tune' && flags.tune !== 'force') || flags.resume) return undefined;
  const places = [...probes].flatMap(([device, opened]) => ('missing' in opened ? [] : placesOf(device, opened, plan.request.threads)));
  const all = dedupe(plan.cases.flatMap((planned) => places.flatMap((place) => tuningOf(planned, place, flags) ?? [])));
  const tunings = flags.tune === 'force' ? all : all.filter((one) => !isKnown(one));
  const { name } = plan.suite;
  if (tunings.length === 0) {
    const why = all.length > 0 ? 'the table knows all of its problems here' : 'it measures no kernel by itself; `bench tune OP` tunes ops';
    console.error(`--tune ${flags.tune}: ${name} has nothing to tune: ${why}`);
    return undefined;
  }
  const { runTunings } = await import('./tune-live.ts');
  const tunePlan: TunePlan = { target: { name, problems: tunings }, places, tunings, probes };
  const folder = `${dir}-tuning`;
  console.error(`tuning ${tunings.length} of ${all.length} ${all.length === 1 ? 'problem' : 'problems'} first`);
  const code = await runTunings(tunePlan, folder, tuneFlagsOf(flags, existsSync(folder)), command, { silent: true });
  // What could not be tuned is measured all the same, by what is known.
  return code === EXIT.interrupted || code === EXIT.usage ? code : EXIT.passed;
}

const tuneFlagsOf = ({ seed, timeout, roof, verbose, kernels, tuneBudget }: RunFlags, resume: boolean): TuneFlags => ({
  ...{ seed, timeout, roof, verbose, kernels, resume },
  strategy: DEFAULT_STRATEGY,
  budget: tuneBudget ?? parseBudget(DEFAULT_BUDGET),
  format: ['table'],
  save: true,
  warm: true,
});

/** The tuning of a case on a place, if kernels of ours that have tunables are going to be measured there. */
function tuningOf({ case: one, entries }: PlannedCase, place: TunePlace, { kernels }: RunFlags): PlannedTuning | undefined {
  const { problem, constants = [], name } = one;
  const isHere = ({ arm, refusal, tunables = {} }: Entry) =>
    refusal === undefined && arm.device === place.device && arm.threads === place.threads && Object.keys(tunables).length > 0;
  // Suites that say which tunables they are about are not to be tuned.
  const able = entries.filter((entry) => isHere(entry) && entry.tuneSource !== 'pinned').map(({ arm }) => arm.kernel!);
  if (problem === undefined || able.length === 0) return undefined;
  return planProblem({ name, problem, constants }, place, { kernels: kernels && [...new Set(able)] });
}

const keyOf = ({ problem, constants, place }: PlannedTuning): string => [problemKey(problem), constants.join(), place.name].join('\n');

const dedupe = (tunings: readonly PlannedTuning[]): PlannedTuning[] => [...new Map(tunings.map((one) => [keyOf(one), one])).values()];

/** Whether the table has a line that holds here for the problem, or for one of its bucket, of any of the kernels to choose from. */
function isKnown({ problem, constants, place, spaces }: PlannedTuning): boolean {
  const held = [...constants].sort().join();
  const device = { kind: place.device, ...place.traits };
  return [...spaces.keys()].some((kernel) =>
    choicesFor(kernel, problem, device, { constants }).some(
      ({ source, entry }) =>
        (source === 'exact' || (source === 'nearest' && bucketKey(entry!.problem) === bucketKey(problem))) &&
        [...(entry!.constants ?? [])].sort().join() === held,
    ),
  );
}

// The plan of a gate: the cases of several suites, each arm once for either side.
//
// Unless kernels are named, a problem is one benchmark for each device and thread count: the kernel that each revision chooses by itself, which is what its users get.

import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Arm } from '../../arm.ts';
import { armOfSide, type Side } from '../../comparison/evidence.ts';
import { repeatedBenchmark } from '../../gate.ts';
import type { Entry, Plan, PlannedCase } from '../../plan.ts';
import type { Probes } from '../../probe.ts';
import { OWN_PACKAGE } from '../../revision.ts';
import { UsageError } from '../../suite.ts';
import { checkFlags, planSuite } from '../run-plan.ts';
import { isPath, loadSuite } from '../suites.ts';
import type { Checkout } from './checkout.ts';
import type { CiFlags } from './ci-options.ts';

export type Sides = Readonly<Record<Side, Checkout>>;

/** The folder of the package in a checkout: the checkout itself where it is of this project, else what is installed in it. */
export function packageIn(root: string, repository: string): string {
  const own = fileURLToPath(OWN_PACKAGE);
  const within = relative(repository, own);
  const place = within.startsWith('..') ? undefined : join(root, within);
  return place !== undefined && existsSync(place) ? place : own;
}

/** The suite as a side loads it: by its name, or from the file at the same place in its checkout. */
export function suiteOf(source: string, root: string, repository: string): string {
  if (!isPath(source)) return source;
  return pathToFileURL(join(root, relative(repository, fileURLToPath(source)))).href;
}

/** Seconds of samples of a benchmark in one pair: several short rounds a side. */
const SECONDS_PER_PAIR = 0.06;

/** What of the options makes the plan. */
export type GateFlags = Pick<CiFlags, 'suites' | 'device' | 'threads' | 'kernels' | 'shapes' | 'filter' | 'timeout' | 'seed'>;

/** Plans the gate over the suites that the flags name. Throws a UsageError where nothing is left, or names are not unique. */
export async function planGate(flags: GateFlags, sides: Sides, repository: string): Promise<{ plan: Plan; probes: Probes }> {
  // Both sides choose by the tables that their revision ships: what this machine has learnt since belongs to neither.
  const runFlags = {
    ...flags,
    format: ['table'],
    tune: 'cache',
    pin: true,
    roof: false,
    quick: true,
    time: SECONDS_PER_PAIR,
    forks: 1,
  } as const;
  checkFlags(runFlags as never);
  const suites = await Promise.all(flags.suites.map(loadSuite));
  const planned = await Promise.all(suites.map((loaded) => planSuite(loaded, runFlags as never, [])));
  const plans = planned.map((one) => one.plan);
  const plan = gatePlan(plans, sides, repository, flags.kernels !== undefined);
  if (plan.cases.length === 0) throw new UsageError('there is no benchmark to compare; check --suites, --device and --filter');
  const repeated = repeatedBenchmark(plan);
  if (repeated) throw new UsageError(`two suites have a benchmark named ${repeated}; names must be unique over the suites of a gate`);
  return { plan, probes: new Map(planned.flatMap(({ probes }) => [...probes])) };
}

/** One plan out of the plans of several suites. */
export function gatePlan(plans: readonly Plan[], sides: Sides, repository: string, named: boolean): Plan {
  const cases = plans.flatMap((plan) => plan.cases.flatMap((planned) => benchmarks(plan, planned, sides, repository, named)));
  return { ...plans[0], baseline: undefined, cases };
}

function benchmarks(plan: Plan, planned: PlannedCase, sides: Sides, repository: string, named: boolean): PlannedCase[] {
  const kept = planned.entries.filter(({ arm, chosen }) => arm.kind === 'function' || (arm.kind === 'kernel' && (named || chosen)));
  return kept.map((entry) => {
    const arm = entry.arm.kind === 'kernel' && !named ? chosenArm(entry.arm) : entry.arm;
    const entries = (['base', 'head'] as const).map((side): Entry => {
      const { root } = sides[side];
      const revision = { side, arm: arm.name, package: packageIn(root, repository), suite: suiteOf(plan.suiteSource, root, repository) };
      // Tunables are the revision's own choice, so none are handed to it.
      return { ...entry, arm: { ...arm, name: armOfSide(side, arm.name), revision }, tunables: undefined, tuneSource: undefined };
    });
    return { ...planned, suite: plan.suite.name, entries, groups: [entries] };
  });
}

/** `ours@cpu/2`: whichever kernel is chosen. */
const chosenArm = ({ device, threads, flags }: Arm): Arm => ({
  name: `ours@${device === 'cpu' ? `cpu/${threads}` : device}`,
  kind: 'kernel',
  device,
  threads,
  flags,
});

// The plan of a gate: the cases of several suites, each arm once for either side.
//
// Unless kernels are named, a problem is one benchmark for each device and thread count: the kernel that each revision chooses by itself, which is what its users get.

import { existsSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Arm } from '../../arm.ts';
import { armOfSide, type Side } from '../../comparison/evidence.ts';
import { repeatedBenchmark } from '../../gate.ts';
import type { Entry, Plan, PlannedCase } from '../../plan.ts';
import type { Probes } from '../../probe.ts';
import { OWN_PACKAGE } from '../../revision.ts';
import { UsageError } from '../../suite.ts';
import type { RunFlags } from '../run-options.ts';
import { checkFlags, planSuite } from '../run-plan.ts';
import { isPath, loadSuite } from '../suites.ts';
import { type Gone, goneSince, refusedByHead } from './base-only.ts';
import type { Checkout } from './checkout.ts';
import type { CiFlags } from './ci-options.ts';

export type Sides = Readonly<Record<Side, Checkout>>;

/** The folder of the package in a checkout: the checkout itself where it is of this project, else what is installed in it. */
export function packageIn(root: string, repository: string): string {
  const own = fileURLToPath(OWN_PACKAGE);
  const within = relative(repository, own);
  const place = within.startsWith('..') ? undefined : join(root, within);
  // Modules are known by where they really lie, and installed ones are links.
  return place !== undefined && existsSync(place) ? realpathSync(place) : own;
}

/** The suite as a side loads it: by its name, or from the file at the same place in its checkout. */
export function suiteOf(source: string, root: string, repository: string): string {
  if (!isPath(source)) return source;
  return pathToFileURL(join(root, pathWithin(repository, source))).href;
}

const pathWithin = (repository: string, source: string): string => relative(realpathSync(repository), realpathSync(fileURLToPath(source)));

/** Throws a UsageError for a module that is not part of the head: it would be on neither side. */
function checkTracked(source: string, head: Checkout, repository: string): void {
  if (!isPath(source)) return;
  const path = pathWithin(repository, source);
  if (path.startsWith('..'))
    throw new UsageError(`--suites: ${path} lies outside of the repository ${repository}; suites are compared as each revision has them`);
  if (!existsSync(join(head.root, path)))
    throw new UsageError(`--suites: ${path} is not part of ${head.ref}; commit it, or give --head . to measure the tree as it is`);
}

/**
 * Seconds of samples of a benchmark in one pair: five rounds of 4 ms a side. Processes differ more from each other than rounds do, so that many short pairs say
 * more than few long ones.
 */
const SECONDS_PER_PAIR = 0.04;

/** What of the options makes the plan. */
export type GateFlags = Pick<CiFlags, 'suites' | 'device' | 'threads' | 'kernels' | 'shapes' | 'filter' | 'timeout' | 'seed'>;

export interface PlannedGate {
  readonly plan: Plan;
  readonly probes: Probes;
  /** What a reader of the results should know of it. */
  readonly warnings: readonly string[];
}

/** Plans the gate over the suites that the flags name. Throws a UsageError where nothing is left, or names are not unique. */
export async function planGate(flags: GateFlags, sides: Sides, repository: string): Promise<PlannedGate> {
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
  } as const as unknown as RunFlags;
  checkFlags(runFlags);
  const suites = await Promise.all(flags.suites.map(loadSuite));
  for (const { source } of suites) checkTracked(source, sides.head, repository);
  const planned = await Promise.all(suites.map((loaded) => planSuite(loaded, runFlags, [])));
  const plans = planned.map(({ plan }) => plan);
  const gone = await Promise.all(plans.map((plan) => goneSinceBase(plan, sides, repository, runFlags)));
  const named = flags.kernels !== undefined;
  const plan = gatePlan(plans, sides, repository, named);
  if (plan.cases.length === 0) throw new UsageError('there is no benchmark to compare; check --suites, --device and --filter');
  const left = gatePlan(
    gone.flatMap((one) => one.plan ?? []),
    sides,
    repository,
    named,
  );
  const whole = { ...plan, cases: [...plan.cases, ...left.cases.map(refusedByHead)] };
  const repeated = repeatedBenchmark(whole);
  if (repeated) throw new UsageError(`two suites have a benchmark named ${repeated}; names must be unique over the suites of a gate`);
  const probes = new Map(planned.flatMap((one) => [...one.probes]));
  return { plan: whole, probes, warnings: gone.flatMap(({ warning }) => warning ?? []) };
}

/** What only the base has; nothing where both sides are one tree. */
async function goneSinceBase(plan: Plan, { base, head }: Sides, repository: string, flags: RunFlags): Promise<Gone> {
  if (base.root === head.root) return {};
  const { root } = base;
  return goneSince({ side: 'base', package: packageIn(root, repository), suite: suiteOf(plan.suiteSource, root, repository) }, plan, flags);
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

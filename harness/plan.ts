// The plan says what will be measured before anything is: the cases, the arms of each, why some cannot run, and what it will take.

import { choicesFor, choose, kernelsFor, refusal } from '../kernels/catalog.ts';
import { conv2dCost } from '../kernels/correlation.ts';
import type { AnyKernel, Cost, DeviceKind, Traits, Tunables } from '../kernels/kernel.ts';
import { matmulCost } from '../kernels/matmul.ts';
import type { Problem } from '../kernels/problem.ts';
import type { TunedTable } from '../kernels/tuned/table.ts';
import { type Arm, functionArm, kernelArm, peerArm } from './arm.ts';
import type { Filter } from './filter.ts';
import { groupsOf, machineRefusal, operandBytes, totalBytes, wasmRefusal } from './memory.ts';
import type { TunedTunables } from './protocol.ts';
import { type Case, type FunctionArm, type Request, type Suite, UsageError } from './suite.ts';

/** A device as the plan sees it: its traits, or why there is none. */
export type DeviceState = Traits | { readonly missing: string };

/** A peer as the plan sees it. */
export interface PlannedPeer {
  readonly name: string;
  readonly device: DeviceKind;
  /** True where the thread count is ours to choose. */
  readonly threaded: boolean;
  /** Why it cannot do the case; undefined where it can. Not installed is a reason. */
  refuses(one: Case): string | undefined;
}

export interface PlanOptions {
  readonly suite: Suite;
  /** The suite's name or module URL, as children load it. */
  readonly suiteSource: string;
  readonly request: Request;
  /** What the suite lists for the request. */
  readonly cases: readonly Case[];
  readonly devices: ReadonlyMap<DeviceKind, DeviceState>;
  readonly threads: readonly number[];
  /** Names of kernels to measure; all if absent. */
  readonly kernels?: readonly string[];
  readonly peers: readonly PlannedPeer[];
  /** What functions said that they will hold. */
  readonly held?: ReadonlyMap<FunctionArm, number>;
  readonly baseline?: string;
  /** Seconds of samples per case and fork, shared by its arms. */
  readonly seconds: number;
  readonly forks: number;
  /** Seconds that one step of an arm may take before its process is killed. */
  readonly timeout: number;
  /** Where tunables come from; the process's own table if absent. */
  readonly table?: TunedTable;
  /** Bytes that arms of one case may hold together. */
  readonly memoryBytes: number;
  /** Rows to keep, over the columns that are known before a run; all if absent. */
  readonly filter?: Filter;
}

/** One row to be: an arm of a case. */
export interface Entry {
  readonly arm: Arm;
  /** Why it cannot run; its row is skipped with this reason. */
  readonly refusal?: string;
  readonly tunables?: Tunables;
  readonly tuneSource?: string;
  /** What its kernel is given in turn where the tunables do not launch. */
  readonly fallbacks?: readonly TunedTunables[];
  readonly cost?: Cost;
  /** Bytes that it holds while its case is measured, host and device. */
  readonly bytes: number;
  /** True for the kernel that is chosen where nobody names one. */
  readonly chosen?: boolean;
}

export interface PlannedCase {
  /** The suite it is of, where the plan has cases of several. */
  readonly suite?: string;
  readonly case: Case;
  readonly dtype: string;
  readonly entries: readonly Entry[];
  /** Entries that are measured together, because they fit in memory together; with several groups each has the reference arm. */
  readonly groups: readonly (readonly Entry[])[];
}

export interface Plan extends Pick<PlanOptions, 'suite' | 'suiteSource' | 'request' | 'baseline' | 'seconds' | 'forks' | 'timeout'> {
  readonly cases: readonly PlannedCase[];
}

/** Seconds that a call may take by its kernel's estimate before a software adapter is spared it. */
const SOFTWARE_PATIENCE_S = 4;
/** Choices that are tried after the first, the defaults among them. */
const FALLBACKS = 3;
/** What an arm's process costs to start, and a case to make ready: seconds, for the prediction only. */
const START_S = 0.35;
const READY_S = 0.08;

/** Lists cases and arms. Throws a UsageError where nothing is left to measure. */
export function makePlan(options: PlanOptions): Plan {
  const listed = options.cases;
  const repeated = listed.find(({ name }, i) => listed.findIndex((other) => other.name === name) !== i);
  if (repeated) throw new UsageError(`suite ${options.suite.name}: the case ${repeated.name} is listed twice; names must be unique`);
  const cases = listed.map((one) => planCase(one, options)).filter(({ entries }) => entries.length > 0);
  if (cases.length === 0)
    throw new UsageError(`suite ${options.suite.name}: nothing is left to measure; check --device, --kernels, --shapes and --filter`);
  if (options.baseline !== undefined) checkBaseline(cases, options.baseline);
  const { suite, suiteSource, request, baseline, seconds, forks, timeout } = options;
  return { suite, suiteSource, request, baseline, seconds, forks, timeout, cases };
}

function checkBaseline(cases: readonly PlannedCase[], baseline: string): void {
  const names = [...new Set(cases.flatMap(({ entries }) => entries.map(({ arm }) => arm.name)))];
  if (!names.includes(baseline))
    throw new UsageError(`--baseline: there is no arm '${baseline}' in this run; there are ${names.join(', ')}`);
}

function planCase(one: Case, options: PlanOptions): PlannedCase {
  const dtype = one.dtype ?? (one.problem?.op === 'matmul' ? one.problem.dtype : 'f64');
  const keep = ({ arm }: Entry): boolean =>
    arm.name === options.baseline ||
    options.filter?.test({ ...one.extra, suite: options.suite.name, case: one.name, dtype, ...columnsOf(arm) }) !== false;
  const own = one.problem ? kernelEntries(one, one.problem, options) : functionEntries(one, options);
  const entries = [...own, ...(one.problem || one.asked ? peerEntries(one, options) : [])].filter(keep);
  return { case: one, dtype, entries, groups: groupsOf(entries, options.memoryBytes, options.baseline) };
}

const columnsOf = ({ name, device, kernel, threads }: Arm) => ({ arm: name, device, kernel, threads });

const functionEntries = (one: Case, { request, devices, held, memoryBytes }: PlanOptions): Entry[] =>
  (one.arms ?? [])
    .map((made) => ({ made, arm: functionArm(made.name, made.device, made.threads), bytes: held?.get(made) ?? 0 }))
    .filter(({ arm }) => request.devices.includes(arm.device))
    .map(({ made, arm, bytes }) => {
      const state = devices.get(arm.device);
      const refused = state && ('missing' in state ? state.missing : made.refuses?.(state));
      return { arm, refusal: refused ?? machineRefusal(bytes, memoryBytes), cost: made.cost ?? one.cost, bytes };
    });

function kernelEntries(one: Case, problem: Problem, options: PlanOptions): Entry[] {
  const devices = options.request.devices.filter((device) => one.devices?.includes(device) ?? true);
  return devices.flatMap((device) => {
    const threadCounts = device === 'cpu' ? options.threads : [undefined];
    return threadCounts.flatMap((threads) => {
      const state = withThreads(options.devices.get(device)!, threads);
      const wanted = kernelsFor(problem.op, device).filter(({ name }) => options.kernels?.includes(name) ?? true);
      const headline = headlineOf(one, problem, device, state, options.table);
      const entries = wanted.map((kernel) => ({
        ...kernelEntry(kernel, kernelArm(kernel.name, device, threads), one, problem, state, options),
        ...(kernel === headline && { chosen: true }),
      }));
      const widened = device === 'cpu' && 'features' in state && state.features.has('revectorize');
      if (!widened || !headline || !wanted.includes(headline)) return entries;
      // The headline again under V8's default flags, so that nobody is misled about what the flag brings.
      return [
        ...entries,
        kernelEntry(headline, kernelArm(headline.name, device, threads, true), one, problem, defaultFlags(state), options),
      ];
    });
  });
}

const withThreads = (state: DeviceState, threads?: number): DeviceState =>
  'missing' in state || threads === undefined ? state : { ...state, limits: { ...state.limits, threads } };

const defaultFlags = (state: DeviceState): DeviceState =>
  'missing' in state ? state : { ...state, features: new Set([...state.features].filter((feature) => feature !== 'revectorize')) };

/** The kernel that would be used unasked; none where no kernel can do the problem, which the refusals explain. */
function headlineOf(
  { constants }: Case,
  problem: Problem,
  device: DeviceKind,
  state: DeviceState,
  table?: TunedTable,
): AnyKernel | undefined {
  if ('missing' in state) return undefined;
  try {
    return choose(problem, { kind: device, ...state }, { constants, table }).kernel;
  } catch {
    return undefined;
  }
}

function kernelEntry(kernel: AnyKernel, arm: Arm, one: Case, problem: Problem, state: DeviceState, options: PlanOptions): Entry {
  if ('missing' in state) return { arm, refusal: state.missing, bytes: 0 };
  const pinned = one.tunables?.[kernel.name];
  const reason = refusal(kernel, problem, state, pinned);
  if (reason !== undefined) return { arm, refusal: reason, bytes: 0 };
  const { constants } = one;
  const choices: readonly TunedTunables[] = pinned
    ? [{ tunables: pinned, source: 'pinned' }]
    : choicesFor(kernel, problem, { kind: arm.device, ...state }, { constants, table: options.table });
  const [{ tunables, source }, ...others] = choices;
  const workspace = totalBytes(kernel.plan(problem, tunables, state).workspace);
  const bytes = 2 * totalBytes(operandBytes(problem)) + workspace;
  const refused = beyond(kernel, problem, state, { workspace, bytes }, options);
  return {
    arm,
    refusal: refused,
    tunables,
    tuneSource: source,
    fallbacks: others.slice(-FALLBACKS).map(({ tunables, source }) => ({ tunables, source })),
    cost: kernel.cost(problem, tunables),
    bytes,
  };
}

/** Why a kernel that could do a problem is spared it: it would not fit, or take too long to be worth it. */
function beyond(kernel: AnyKernel, problem: Problem, traits: Traits, { workspace, bytes }: Held, options: PlanOptions): string | undefined {
  const unfit = kernel.device === 'cpu' ? wasmRefusal(problem, workspace) : undefined;
  const refused = unfit ?? machineRefusal(bytes, options.memoryBytes);
  if (refused !== undefined) return refused;
  const seconds = kernel.estimate(problem, traits);
  if (traits.limits.softwareAdapter && seconds > SOFTWARE_PATIENCE_S && !options.kernels?.includes(kernel.name))
    return `a call would take about ${Math.round(seconds)} s on a software adapter; ask for it by --kernels ${kernel.name}`;
  return undefined;
}

/** Bytes that a kernel holds for a case: its workspace, and all with the operands on host and device. */
interface Held {
  readonly workspace: number;
  readonly bytes: number;
}

/** What the direct algorithm costs: a peer keeps to itself how it does the work. */
function directCost(problem: Problem | undefined): Cost | undefined {
  if (problem?.op === 'matmul') return matmulCost(problem);
  return problem?.op === 'conv2d' ? conv2dCost(problem) : undefined;
}

function peerEntries(one: Case, options: PlanOptions): Entry[] {
  return options.peers.flatMap((peer) => {
    const threadCounts = peer.threaded ? options.threads : [undefined];
    const several = threadCounts.length > 1;
    // Operands of ours, the library's copies of them, and what it packs.
    const bytes = one.problem ? 4 * totalBytes(operandBytes(one.problem)) : 0;
    return threadCounts.map((threads) => ({
      arm: peerArm(peer.name, peer.device, threads, several),
      refusal: peer.refuses(one) ?? machineRefusal(bytes, options.memoryBytes),
      cost: one.cost ?? directCost(one.problem),
      bytes,
    }));
  });
}

export interface Prediction {
  readonly seconds: number;
  /** Largest group's bytes. */
  readonly bytes: number;
  readonly rows: number;
}

/** What a plan will take: seconds from the shares and what starting costs, bytes from the operands. Slow arms take longer than this says. */
export function predict(plan: Plan): Prediction {
  const runnable = plan.cases.map(({ groups }) => groups.flat());
  const arms = new Set(runnable.flat().map(({ arm }) => arm.name)).size;
  // Warm-up may take as much as the samples do.
  const measuring = plan.cases.reduce((sum, { case: one, groups }) => sum + (one.once ? 0 : groups.length * plan.seconds * 2), 0);
  const once = plan.cases.reduce((sum, { case: one, groups }) => sum + groups.flat().length * (one.once?.seconds ?? 0), 0);
  const ready = runnable.reduce((sum, entries) => sum + entries.length * READY_S, 0);
  return {
    seconds: plan.forks * (arms * START_S + ready + measuring) + once,
    bytes: Math.max(0, ...plan.cases.flatMap(({ groups }) => groups.map((group) => group.reduce((sum, { bytes }) => sum + bytes, 0)))),
    rows: plan.cases.reduce((sum, { entries }) => sum + entries.length, 0),
  };
}

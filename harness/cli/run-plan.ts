// From the flags of `bench run` to a plan: names are checked, devices probed, cases listed.

import { existsSync, readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { kernels } from '../../kernels/catalog.ts';
import type { DeviceKind } from '../../kernels/kernel.ts';
import { SUMMARY_COLUMNS } from '../../reports/csv.ts';
import { type Format, formatNames } from '../../reports/formats.ts';
import { defaultThreads, deviceKinds } from '../devices.ts';
import { type Filter, parseFilter } from '../filter.ts';
import { unknownName } from '../nearest.ts';
import { type DeviceState, makePlan, type Plan } from '../plan.ts';
import { type Probes, probeDevices, traitsOf } from '../probe.ts';
import { type Case, type FunctionArm, type Request, type SuiteOption, UsageError } from '../suite.ts';
import { plannedPeers } from './peer-plan.ts';
import { ARM_MODULE } from './places.ts';
import { ownOptions, type RunFlags } from './run-options.ts';
import type { LoadedSuite } from './suites.ts';
import { checkTuneFlags, tableOf } from './tuned-source.ts';

/** Share of the free memory that arms of one case may hold together. */
const MEMORY_SHARE = 0.5;
/** A list on the command line is never a path: shapes are made of digits and a few letters. */
const SHAPE_FILE = /\.csv$|[/\\]/i;

export interface Planned {
  readonly plan: Plan;
  readonly probes: Probes;
  readonly filter?: Filter;
}

/** Throws a UsageError for a format that there is not. */
export function checkFormats(given: readonly string[]): void {
  const wrong = given.find((name) => !(formatNames as readonly string[]).includes(name));
  if (wrong !== undefined) throw new UsageError(unknownName('format', wrong, formatNames));
}

/** Checks every name in the flags. Throws a UsageError with the nearest names. */
export function checkNames(flags: Pick<RunFlags, 'device' | 'kernels' | 'format'>): void {
  const check = (what: string, given: readonly string[] = [], names: readonly string[]) => {
    const wrong = given.find((name) => !names.includes(name));
    if (wrong !== undefined) throw new UsageError(unknownName(what, wrong, names));
  };
  check('device', flags.device, deviceKinds);
  check('kernel', flags.kernels, [...new Set(kernels.map(({ name }) => name))]);
  checkFormats(flags.format);
}

/** Checks the flags of a run by themselves. Throws a UsageError. */
export function checkFlags(flags: RunFlags): void {
  checkNames(flags);
  checkTuneFlags(flags);
}

/** The formats asked for, the first of them for standard output. */
export const formatsOf = (flags: Pick<RunFlags, 'format'>): readonly Format[] => flags.format as Format[];

export function filterOf(flags: RunFlags): Filter | undefined {
  if (flags.filter === undefined) return undefined;
  try {
    return parseFilter(flags.filter);
  } catch (error) {
    throw new UsageError(`--filter: ${(error as Error).message}`);
  }
}

/** Columns that measuring adds to the contract's: against a baseline, and metrics of devices and peers beside the time. */
const MEASURED_COLUMNS = [
  'baseline',
  'ratio',
  'ratio_low',
  'ratio_high',
  'device_time_ns',
  'own_time_ns',
  'chosen',
  'workspace_bytes',
  'err_2norm',
];

/** Throws a UsageError with the nearest names where the filter reads a column that no row will have. */
function checkColumns(filter: Filter | undefined, cases: readonly Case[]): void {
  const columns = [...SUMMARY_COLUMNS, ...MEASURED_COLUMNS, ...cases.flatMap(({ extra }) => Object.keys(extra ?? {}))];
  const wrong = filter?.columns.find((column) => !columns.includes(column));
  if (wrong !== undefined) throw new UsageError(`--filter: ${unknownName('column', wrong, [...new Set(columns)])}`);
}

/** `--shapes`: the text of a file where it names one, else as it is. */
export function shapesOf(given: string | undefined): string | undefined {
  if (given === undefined || !SHAPE_FILE.test(given)) return given;
  if (!existsSync(given)) throw new UsageError(`--shapes: there is no file ${given}`);
  const text = readFileSync(given, 'utf8');
  return text.includes('\n') ? text : `${text}\n`;
}

export function requestOf(flags: RunFlags, options: readonly SuiteOption[]): Request {
  return {
    devices: (flags.device as DeviceKind[] | undefined) ?? deviceKinds,
    quick: flags.quick ?? false,
    seed: flags.seed,
    threads: flags.threads ?? defaultThreads(),
    shapes: shapesOf(flags.shapes),
    options: ownOptions(flags, options),
  };
}

/** Devices that cases with problems may run on, or that functions name: the only ones worth probing. */
function devicesOf(cases: readonly Case[], request: Request): DeviceKind[] {
  const wants = ({ problem, devices, arms }: Case, device: DeviceKind) =>
    problem ? (devices?.includes(device) ?? true) : arms?.some((arm) => arm.device === device);
  return request.devices.filter((device) => cases.some((one) => wants(one, device)));
}

/** What functions will hold on the devices that are there. Throws their UsageErrors. */
async function heldBy(cases: readonly Case[], devices: ReadonlyMap<DeviceKind, DeviceState>): Promise<Map<FunctionArm, number>> {
  const held = new Map<FunctionArm, number>();
  for (const arm of cases.flatMap(({ arms }) => arms ?? [])) {
    const state = devices.get(arm.device ?? 'cpu');
    if (!arm.bytes || !state || 'missing' in state) continue;
    const limits = arm.threads === undefined ? state.limits : { ...state.limits, threads: arm.threads };
    held.set(arm, await arm.bytes({ ...state, limits }));
  }
  return held;
}

/** Plans a suite: lists its cases, probes the devices they need, chooses arms. Throws a UsageError where nothing is left. */
export async function planSuite(loaded: LoadedSuite, flags: RunFlags, options: readonly SuiteOption[]): Promise<Planned> {
  const request = requestOf(flags, options);
  const filter = filterOf(flags);
  const cases = loaded.suite.cases(request);
  checkColumns(filter, cases);
  const table = tableOf(flags);
  const peers = await plannedPeers(flags.peers ?? []);
  const probes = await probeDevices(devicesOf(cases, request), ARM_MODULE);
  const devices = new Map<DeviceKind, DeviceState>(
    [...probes].map(([kind, state]) => [kind, 'missing' in state ? state : traitsOf(state)]),
  );
  const plan = makePlan({
    held: await heldBy(cases, devices),
    suite: loaded.suite,
    suiteSource: loaded.source,
    request,
    cases,
    devices,
    threads: request.threads,
    kernels: flags.kernels,
    peers,
    table,
    baseline: flags.baseline,
    seconds: flags.time ?? (flags.quick ? 0.5 : 2),
    forks: flags.forks ?? (flags.quick ? 1 : 3),
    timeout: flags.timeout,
    memoryBytes: freemem() * MEMORY_SHARE,
    filter,
  });
  return { plan, probes, filter };
}

// What `bench tune OP` is going to tune: problems by places, each with its kernels, their spaces and the headers of their journals.

import { kernelsFor } from '../../kernels/catalog.ts';
import { parseConstraint } from '../../kernels/constraint.ts';
import type { AnyKernel, DeviceKind, Traits } from '../../kernels/kernel.ts';
import { codeVersion, type Machine, machineKey, machineOf } from '../../kernels/tuned/entry.ts';
import { defaultThreads, deviceKinds } from '../devices.ts';
import { unknownName } from '../nearest.ts';
import { probeDevices, traitsOf } from '../probe.ts';
import type { Opened } from '../protocol.ts';
import { UsageError } from '../suite.ts';
import { JOURNAL_SCHEMA, type JournalHeader } from '../tuner/journal.ts';
import { Space } from '../tuner/space.ts';
import { candidateKernels } from '../tuner/tune.ts';
import { ARM_MODULE } from './places.ts';
import { checkNames, shapesOf } from './run-plan.ts';
import type { TuneFlags } from './tune-options.ts';
import { type Target, type TuneProblem, targetOf } from './tune-targets.ts';

export interface TunePlace {
  /** `cpu/2`, `webgpu`. */
  readonly name: string;
  readonly device: DeviceKind;
  readonly threads?: number;
  readonly opened: Opened;
  readonly machine: Machine;
  readonly traits: Traits & { readonly name: string };
}

export interface PlannedTuning extends TuneProblem {
  readonly place: TunePlace;
  readonly spaces: ReadonlyMap<AnyKernel, Space>;
  readonly headers: ReadonlyMap<AnyKernel, JournalHeader>;
}

export interface TunePlan {
  readonly target: Target;
  readonly places: readonly TunePlace[];
  readonly tunings: readonly PlannedTuning[];
  readonly probes: Awaited<ReturnType<typeof probeDevices>>;
}

/** What of the flags says which problems, places and kernels there are. */
type PlanFlags = Pick<TuneFlags, 'device' | 'threads' | 'kernels' | 'shapes' | 'pass' | 'where'> &
  Partial<Pick<TuneFlags, 'seed' | 'format'>>;

/** Plans everything, so that what cannot be tuned is known before anything is measured. Throws a UsageError. */
export async function planTuning(name: string, flags: PlanFlags): Promise<TunePlan> {
  checkNames({ ...flags, format: flags.format ?? [] });
  const shapes = shapesOf(flags.shapes);
  const named = flags.device as DeviceKind[] | undefined;
  const target = await targetOf(name, { devices: named ?? deviceKinds, shapes, pass: flags.pass, seed: flags.seed ?? 1 });
  if (target.problems.length === 0) throw new UsageError(`${name}: there are no problems to tune for these shapes`);
  const own = target.own?.kernel.device;
  if (own && named && !named.includes(own)) throw new UsageError(`${name}: its kernel runs on ${own}, and --device leaves that out`);
  const probes = await probeDevices(own ? [own] : (named ?? ['cpu']), ARM_MODULE);
  const places = [...probes].flatMap(([device, opened]) => placesOf(device, opened, flags.threads));
  if (flags.kernels) checkKernels(target, places, flags.kernels);
  const tunings = places.flatMap((place) => target.problems.map((problem) => planProblem(problem, place, flags, target.own?.kernel)));
  return { target, places, tunings, probes };
}

/** A device as the places that are tuned on: one for each thread count of the CPU. Throws a UsageError where there is none. */
export function placesOf(device: DeviceKind, opened: Opened | { missing: string }, threads: readonly number[] | undefined): TunePlace[] {
  if ('missing' in opened) throw new UsageError(`there is no ${device} to tune on: ${opened.missing}`);
  const counts = device === 'cpu' ? (threads ?? [Math.max(...defaultThreads())]) : [undefined];
  return counts.map((count) => {
    const found = traitsOf(opened);
    const limits = count === undefined ? found.limits : { ...found.limits, threads: count };
    const traits = { ...found, limits, name: opened.adapter };
    const name = count === undefined ? device : `${device}/${count}`;
    return { name, device, threads: count, opened, machine: machineOf({ ...traits, kind: device }), traits };
  });
}

/** A kernel must exist for one of the ops and devices at least. */
function checkKernels({ problems, own }: Target, places: readonly TunePlace[], names: readonly string[]): void {
  if (own) throw new UsageError('--kernels: a kernel of your own is tuned by itself');
  const all = new Set(
    problems.flatMap(({ problem }) => places.flatMap(({ device }) => kernelsFor(problem.op, device).map(({ name }) => name))),
  );
  const wrong = names.find((name) => !all.has(name));
  if (wrong !== undefined) throw new UsageError(`--kernels: ${unknownName('kernel', wrong, [...all])}`);
}

/** A problem on a place with the spaces of its kernels. Throws a UsageError where no kernel can do it, or all spaces are empty. */
export function planProblem(
  problem: TuneProblem,
  place: TunePlace,
  flags: Pick<PlanFlags, 'kernels' | 'where'>,
  own?: AnyKernel,
): PlannedTuning {
  const { device, traits } = place;
  const kernels = candidateKernels(problem.problem, {
    device,
    traits,
    constants: problem.constants,
    names: flags.kernels,
    own,
  });
  const spaces = new Map(kernels.map((kernel) => [kernel, spaceOf(kernel, problem, traits, flags.where ?? [])]));
  for (const [kernel, space] of spaces) if (space.size === 0) spaces.delete(kernel);
  if (spaces.size === 0)
    throw new UsageError(
      `${problem.name} on ${place.name}: no configuration of ${kernels.map(({ name }) => name).join(', ')} meets the constraints${flags.where ? ` with --where ${flags.where.join(' and ')}` : ' on this device'}`,
    );
  const headers = new Map([...spaces].map(([kernel, space]) => [kernel, headerOf(kernel, space, problem, place)]));
  return { ...problem, place, spaces, headers };
}

function spaceOf(kernel: AnyKernel, { problem }: TuneProblem, traits: Traits, where: readonly string[]): Space {
  const constants = { ...traits.limits, ...kernel.facts(problem) };
  try {
    return new Space({ tunables: kernel.tunables, constraints: [...kernel.constraints, ...where], constants });
  } catch (error) {
    if (where.length > 0 && (error instanceof SyntaxError || error instanceof RangeError))
      throw new UsageError(`--where: ${kernel.name}: ${error.message}`);
    throw error;
  }
}

function headerOf(kernel: AnyKernel, space: Space, { name, problem, constants }: TuneProblem, place: TunePlace): JournalHeader {
  const { traits, opened } = place;
  const known = { ...traits.limits, ...kernel.facts(problem) };
  const read = new Set(space.constraints.flatMap((text) => parseConstraint(text).names));
  return {
    schema: JOURNAL_SCHEMA,
    device: machineKey(place.machine),
    machine: place.machine,
    op: problem.op,
    kernel: kernel.name,
    name,
    problem,
    constants,
    generator: codeVersion(kernel, problem, kernel.defaults(problem, traits), traits),
    space: {
      tunables: kernel.tunables,
      constraints: space.constraints,
      constants: Object.fromEntries(Object.entries(known).filter(([name]) => read.has(name))),
    },
    timer: opened.features.includes('timestamp-query') ? 'device' : 'wall',
    started_utc: new Date().toISOString(),
  };
}

/** The file of a kernel's journal for a problem on a place: `matmul-256x256x256-nn-f32.cpu-2.packed.jsonl`. */
export const journalName = ({ name, place }: PlannedTuning, kernel: AnyKernel): string =>
  `${[name, place.name, kernel.name].map((part) => part.replaceAll(/[^\w.+-]+/g, '-')).join('.')}.jsonl`;

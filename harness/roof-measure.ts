// Measuring the roof: the loops of the catalogue's ops `fma` and `stream`, and the engine's own TypedArray.set, in the processes that arms run in.

import { kernelsFor, refusal, validTunables } from '../kernels/catalog.ts';
import type { AnyKernel, DeviceKind, Traits, Tunables } from '../kernels/kernel.ts';
import type { Problem, StreamProblem } from '../kernels/problem.ts';
import { type Arm, functionArm } from './arm.ts';
import { Child } from './child.ts';
import { traitsOf } from './probe.ts';
import { ArmFailure, type Prepared } from './protocol.ts';
import { type Bandwidth, type Level, merged, type Peak, type Roof } from './roof.ts';
import { HOST_COPY, hostCopyCase, ROOF_SUITE } from './roof-suite.ts';

/** Seconds for each loop: enough for the best of a few samples to be near the best there is. */
const SHARE_NS = 40e6;
const SAMPLE_NS = 5e6;
const SAMPLES = 5;
/** Patience with one loop: software adapters are slow. */
const TIMEOUT_S = 30;

/** Footprints beyond the caches are this large where limits allow: several times the largest cache that is common. */
const MEMORY_BYTES = 128 * 2 ** 20;
const GPU_BYTES = 64 * 2 ** 20;
/** Software adapters move a hundredth of that in the same time. */
const SOFTWARE_BYTES = 8 * 2 ** 20;
const ACCESSES = ['read', 'write', 'copy', 'update'] as const;
/** Steps of the chains of multiply-adds in one dispatch, long against its launch. */
const CHAIN_LENGTH = { cpu: 20_000, webgpu: 4096 };
/** Invocations that keep a GPU busy. */
const GPU_THREADS = 32_768;

export interface RoofPlace {
  readonly device: DeviceKind;
  readonly threads?: number;
  readonly traits: Traits;
  /** The module that children run. */
  readonly entry: string;
  /** True to try every configuration of a loop, not only its default. */
  readonly thorough: boolean;
  /** Aborted to leave out what is not measured yet. */
  readonly signal?: AbortSignal;
}

/** Measures the roof of a place. Loops that fail are left out; undefined where arithmetic or bandwidth has none. */
export async function measureRoof(place: RoofPlace): Promise<Roof | undefined> {
  const footprints = footprintsOf(place);
  const opened = await Loops.open(place, 'tuned');
  if (!opened) return undefined;
  await using loops = opened;
  const widened = loops.traits.features.has('revectorize');
  const width = place.device !== 'cpu' ? 'device' : widened ? '256' : '128';
  const launchNs = await measureLaunch(loops, place);
  const peaks = await measurePeaks(loops, place, width);
  const bandwidths = await measureBandwidths(loops, footprints);
  if (widened) {
    await using plain = await Loops.open(place, 'default');
    if (plain) peaks.push(...(await measurePeaks(plain, place, '128')));
  }
  // Once more, some seconds later: whatever else ran on a processor then may be gone.
  peaks.push(...(await measurePeaks(loops, place, width)));
  if (place.threads === 1) bandwidths.push(...(await measureHostCopies(place, footprints)));
  if (peaks.length === 0 || bandwidths.length === 0) return undefined;
  const roof = { peaks, bandwidths, launchNs, thorough: place.thorough, capacities: capacitiesOf(place) };
  return merged(roof, roof);
}

/** The arithmetic rate of a place just now, in GFLOP/s, by its default loop; undefined where there is none. */
export async function arithmeticRate(place: RoofPlace): Promise<number | undefined> {
  const opened = await Loops.open(place, 'tuned');
  if (!opened) return undefined;
  await using loops = opened;
  const peaks = await measurePeaks(loops, place, 'device');
  return peaks.length > 0 ? Math.max(...peaks.map(({ gflops }) => gflops)) : undefined;
}

/** Bytes that each cache level holds for the threads of a place: private caches add up, the shared one does not. */
function capacitiesOf({ device, threads = 1, traits: { limits } }: RoofPlace): Partial<Record<Level, number>> {
  if (device !== 'cpu') return {};
  return { L1: limits.l1Bytes * threads, L2: limits.l2Bytes * threads, L3: limits.l3Bytes };
}

/** Bytes that a loop passes over, and the level that is said to hold them. */
type Footprint = readonly [Level, number];

/** One footprint for each level, half of what it holds, so that it stays there; several for a shared cache; whole units of what stream kernels divide. */
function footprintsOf(place: RoofPlace): Footprint[] {
  const unit = 4096 * (place.threads ?? 1);
  const whole = (bytes: number) => Math.max(unit, Math.floor(bytes / unit) * unit);
  const { L1, L2 = 0, L3 = 0 } = capacitiesOf(place);
  const { limits } = place.traits;
  const gpuBytes = limits.softwareAdapter ? SOFTWARE_BYTES : Math.min(GPU_BYTES, limits.maxStorageBufferBindingSize ?? GPU_BYTES);
  if (L1 === undefined) return [['memory', whole(gpuBytes)]];
  const memory = whole(Math.max(MEMORY_BYTES, Math.min(4 * L3, 2 * MEMORY_BYTES)));
  // What a virtual machine calls L3 is shared with neighbours, and may not be ours to half of it.
  const shared = L3 > 2 * L2 ? [4, 16, 64].map((times) => Math.min(L3 / 2, times * L2)).filter((bytes) => bytes <= memory / 2) : [];
  return [
    ['L1', whole(L1 / 2)],
    ['L2', whole(L2 / 2)],
    ...[...new Set(shared)].map((bytes): Footprint => ['L3', whole(bytes)]),
    ['memory', memory],
  ];
}

/** Nanoseconds of the call that does least, of those that the loops can be asked for; 0 where none can. One task wakes no second thread. */
async function measureLaunch(loops: Loops, { device, threads = 1 }: RoofPlace): Promise<number> {
  const nothings: Problem[] = [
    { op: 'fma', length: 1, threads: 1 },
    { op: 'stream', access: 'write', bytes: 4096 * threads },
  ];
  const times: number[] = [];
  for (const nothing of nothings) {
    const found = await loops.bestNs(kernelsFor(nothing.op, device)[0], nothing);
    if (found) times.push(found.ns);
  }
  return times.length > 0 ? Math.min(...times) : 0;
}

async function measurePeaks(loops: Loops, place: RoofPlace, width: Peak['width']): Promise<Peak[]> {
  const peaks: Peak[] = [];
  const problem: Problem = { op: 'fma', length: CHAIN_LENGTH[place.device], threads: place.threads ?? GPU_THREADS };
  for (const [kernel, tunables] of loops.configurations(problem)) {
    const found = await loops.bestNs(kernel, problem, tunables);
    if (found?.cost) peaks.push({ width, loop: loopName(kernel.name, tunables), gflops: found.cost.executedFlops / found.ns });
  }
  return peaks;
}

async function measureBandwidths(loops: Loops, footprints: readonly Footprint[]): Promise<Bandwidth[]> {
  const bandwidths: Bandwidth[] = [];
  for (const [level, footprint] of footprints)
    for (const access of ACCESSES) {
      // A copy has two buffers: together they are the footprint.
      const problem: StreamProblem = { op: 'stream', access, bytes: access === 'copy' ? footprint / 2 : footprint };
      for (const [kernel, tunables] of loops.configurations(problem)) {
        const found = await loops.bestNs(kernel, problem, tunables);
        if (found?.cost)
          bandwidths.push({ level, footprint, access, loop: loopName(kernel.name, tunables), gbps: found.cost.bytes / found.ns });
      }
    }
  return bandwidths;
}

/** TypedArray.set, which no kernel can do: a function in a process of its own. */
async function measureHostCopies(place: RoofPlace, footprints: readonly Footprint[]): Promise<Bandwidth[]> {
  const sizes = footprints.map(([level, footprint]) => ({ level, footprint, bytes: footprint / 2 }));
  const opened = await Loops.start(functionArm(HOST_COPY), place, sizes.map(({ bytes }) => bytes).join());
  if (!opened) return [];
  await using loops = opened;
  const bandwidths: Bandwidth[] = [];
  for (const { level, footprint, bytes } of sizes) {
    const found = await loops.bestOf(hostCopyCase(bytes).name);
    if (found) bandwidths.push({ level, footprint, access: 'copy', loop: HOST_COPY, gbps: footprint / found.ns });
  }
  return bandwidths;
}

const loopName = (name: string, tunables: Tunables): string =>
  [name, ...Object.entries(tunables).map(([knob, value]) => `${knob}=${value}`)].join(' ');

interface Timed extends Prepared {
  /** Best nanoseconds of a call. */
  readonly ns: number;
}

/** A process that runs loops. */
class Loops implements AsyncDisposable {
  /** What the device can do under the flags of this process. */
  readonly traits: Traits;
  #child: Child;
  #place: RoofPlace;

  /** Starts the process of a device; undefined where it cannot be opened. */
  static open(place: RoofPlace, flags: Arm['flags']): Promise<Loops | undefined> {
    return Loops.start({ name: 'roof', kind: 'kernel', device: place.device, threads: place.threads, flags }, place);
  }

  static async start(arm: Arm, place: RoofPlace, shapes?: string): Promise<Loops | undefined> {
    const request = { devices: [], quick: false, seed: 1, threads: [], shapes, options: {} };
    try {
      const { child, opened } = await Child.open(arm, { entry: place.entry, suite: ROOF_SUITE, request, timeout: TIMEOUT_S });
      return new Loops(child, traitsOf(opened), place);
    } catch (error) {
      if (error instanceof ArmFailure) {
        console.error(error.reason);
        return undefined;
      }
      throw error;
    }
  }

  private constructor(child: Child, traits: Traits, place: RoofPlace) {
    this.#child = child;
    this.traits = traits;
    this.#place = place;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child.close();
  }

  /** The loops that can do a problem, each with the configurations to try. */
  configurations(problem: Problem): [AnyKernel, Tunables][] {
    const { device } = this.#place;
    // A software adapter ranks loops as a processor does, slowly: its default loop is as good a roof as any.
    const thorough = this.#place.thorough && !this.traits.limits.softwareAdapter;
    const { traits } = this;
    return kernelsFor(problem.op, device)
      .filter((kernel) => refusal(kernel, problem, traits) === undefined)
      .flatMap((kernel) => {
        const all = thorough ? [...validTunables(kernel, problem, traits)] : [kernel.defaults(problem, traits)];
        return all.map((tunables): [AnyKernel, Tunables] => [kernel, tunables]);
      });
  }

  bestNs(kernel: AnyKernel | undefined, problem: Problem, tunables?: Tunables): Promise<Timed | undefined> {
    return kernel ? this.bestOf(kernel.name, { kernel: kernel.name, problem, tunables }) : Promise.resolve(undefined);
  }

  /** The best of a few samples; undefined for a loop that cannot be run. A process that has died fails every later loop the same way. */
  async bestOf(name: string, order: { kernel?: string; problem?: Problem; tunables?: Tunables } = {}): Promise<Timed | undefined> {
    if (this.#place.signal?.aborted) return undefined;
    try {
      const prepared = await this.#child.ask('prepare', { case: { name, readback: false, seed: 1, ...order } }, TIMEOUT_S);
      const { iterations, callNs } = await this.#child.ask('calibrate', { shareNs: SHARE_NS, sampleNs: SAMPLE_NS }, TIMEOUT_S);
      let ns = callNs;
      for (let i = 0; i < SAMPLES; i++) {
        const [time] = await this.#child.ask('sample', { iterations }, TIMEOUT_S);
        ns = Math.min(ns, time.value);
      }
      return { ...prepared, ns };
    } catch (error) {
      if (error instanceof ArmFailure) {
        console.error(error.reason);
        return undefined;
      }
      throw error;
    }
  }
}

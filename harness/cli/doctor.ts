// `bench doctor`: what this machine has, what is missing and the command that brings it, and whether its timings can be trusted now.

import { deviceKinds } from '../devices.ts';
import { type Environment, lookAround } from '../environment.ts';
import { probeDevices, traitsOf } from '../probe.ts';
import type { Opened } from '../protocol.ts';
import { bandwidthOf, peakOf, type Roof } from '../roof.ts';
import { arithmeticRate } from '../roof-measure.ts';
import { readRoofs } from '../roof-store.ts';
import { watchMachine } from '../trust.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { peerLines } from './peers.ts';
import { ARM_MODULE } from './places.ts';

/** Prints what was found. Fails only where nothing could be measured at all: without a CPU device. */
export async function doctor(): Promise<ExitCode> {
  const probes = await probeDevices(deviceKinds, ARM_MODULE);
  const { environment } = lookAround(probes);
  const trust = await watchMachine(environment);
  const scaling = await scalingLine(probes.get('cpu')!, environment.cores);
  const doubts = [...trust.doubts.map((doubt) => `in doubt: ${doubt}`), ...(scaling.doubt ? [`in doubt: ${scaling.doubt}`] : [])];
  const sections: [string, readonly string[]][] = [
    ['Machine', machineLines(environment)],
    ['CPU device', cpuLines(probes.get('cpu')!)],
    ['WebGPU device', webgpuLines(probes.get('webgpu')!)],
    ['Roof', roofLines(readRoofs(environment.fingerprint))],
    ['Peers', peerLines().map((line) => line.trim())],
    ['Timings', [...trust.seen, ...scaling.seen, ...(doubts.length === 0 ? ['they can be trusted now'] : doubts)]],
  ];
  process.stdout.write(`${sections.map(([title, lines]) => [title, ...lines.map((line) => `  ${line}`)].join('\n')).join('\n\n')}\n`);
  return 'missing' in probes.get('cpu')! ? EXIT.failed : EXIT.passed;
}

/** Threads that share a core with each other or with a neighbour's do less than their number; no counter of the system shows it. */
const FAIR_SCALING = 0.8;

/** What all threads do together against one. */
async function scalingLine(probed: Opened | { missing: string }, cores: number): Promise<{ seen: string[]; doubt?: string }> {
  if ('missing' in probed || cores === 1) return { seen: [] };
  const rate = (threads: number) => {
    const { features, limits } = traitsOf(probed);
    return arithmeticRate({
      device: 'cpu',
      threads,
      traits: { features, limits: { ...limits, threads } },
      entry: ARM_MODULE,
      thorough: false,
    });
  };
  const [one, all] = [await rate(1), await rate(cores)];
  if (!one || !all) return { seen: [] };
  const text = `${cores} threads do ${(all / one).toFixed(2)} times the arithmetic of one`;
  const fair = all / one >= FAIR_SCALING * cores;
  return { seen: [text], doubt: fair ? undefined : `${text} just now: processors share cores, or others use them` };
}

const mebibytes = (bytes: number): string => (bytes < 2 ** 20 ? `${bytes / 2 ** 10} KiB` : `${Math.round(bytes / 2 ** 20)} MiB`);

function machineLines({ cpu, cores, caches, memory_bytes, os, arch, node, v8, node_flags, fingerprint }: Environment): string[] {
  const levels = Object.entries(caches).map(([level, bytes]) => `${level} ${mebibytes(bytes)}`);
  return [
    `${cpu}, ${cores} processors${levels.length > 0 ? `, ${levels.join(', ')}` : ''}, ${mebibytes(memory_bytes)} of memory`,
    `${os}, ${arch}; Node ${node}, V8 ${v8}${node_flags ? `, flags ${node_flags}` : ''}`,
    `fingerprint ${fingerprint}`,
  ];
}

/** What a CPU feature brings, for those that lack it. */
const CPU_FEATURES: Readonly<Record<string, string>> = {
  simd: 'without it nothing runs: use Node 24',
  'relaxed-simd': 'without it there are no fused multiply-adds: use Node 24 on a processor with FMA',
  revectorize: 'without it vectors have 128 bits, about half the rate: needs x86-64 with AVX2 and Node 24',
  threads: 'without it kernels run on one thread: give the process more than one processor',
};

function cpuLines(probed: Opened | { missing: string }): string[] {
  if ('missing' in probed) return [`broken: ${probed.missing}`];
  const features = Object.entries(CPU_FEATURES).map(([name, remedy]) =>
    probed.features.includes(name) ? `${name}: yes` : `${name}: no; ${remedy}`,
  );
  return [...features, `V8 flags: ${probed.v8Flags}`];
}

const GPU_FEATURES = ['timestamp-query', 'shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'];

function webgpuLines(probed: Opened | { missing: string }): string[] {
  if ('missing' in probed) return [`none: ${probed.missing}`];
  const { adapter, features, limits } = probed;
  const software = limits.softwareAdapter
    ? 'a software adapter: right for correctness, not for choosing kernels; a GPU driver with Vulkan (its libvulkan1 and ICD) takes its place'
    : 'a hardware adapter';
  const quantum = limits.timestampQuantumNs;
  return [
    adapter,
    software,
    `features: ${GPU_FEATURES.map((name) => `${name} ${features.includes(name) ? 'yes' : 'no'}`).join(', ')}`,
    quantum ? `its clock in steps of ${quantum} ns` : 'no clock of its own: timed by the host',
  ];
}

function roofLines(roofs: ReadonlyMap<string, Roof>): string[] {
  if (roofs.size === 0) return ['not measured yet; the first bench run does'];
  return [...roofs].map(([place, roof]) => {
    const levels = [...new Set(roof.bandwidths.map(({ level }) => level))];
    const rates = levels.map((level) => `${level} ${bandwidthOf(roof, level).toFixed(0)} GB/s`);
    return `${place}: ${peakOf(roof).toFixed(0)} GFLOP/s; ${rates.join(', ')}; launch ${(roof.launchNs / 1000).toFixed(1)} us`;
  });
}

// The environment is where figures were taken: all of the machine and the software that timings depend on, as far as the system tells.
//
// Its fingerprint is equal for two runs whose figures may be compared: it leaves out what changes by itself, such as load.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DeviceKind } from '../kernels/kernel.ts';
import { packageVersions } from './project.ts';
import type { Opened } from './protocol.ts';

export interface Environment {
  readonly fingerprint: string;
  readonly cpu: string;
  /** Logical processors that this process may use. */
  readonly cores: number;
  /** Bytes by level: L1d, L2, L3; empty where the system does not tell. */
  readonly caches: Readonly<Record<string, number>>;
  readonly memory_bytes: number;
  readonly os: string;
  readonly arch: string;
  readonly node: string;
  readonly v8: string;
  /** Flags on Node's command line. */
  readonly node_flags: string;
  /** cpufreq's governor, and whether turbo is allowed; absent where they cannot be read. */
  readonly governor?: string;
  readonly turbo?: boolean;
  /** Means over 1, 5 and 15 minutes of the processes that wanted to run, before the run. */
  readonly load: readonly number[];
  readonly git_revision?: string;
  /** Whether tracked files differed from that revision. */
  readonly git_dirty?: boolean;
  /** What each device called itself, by kind. */
  readonly adapters: Readonly<Record<string, string>>;
  /** Features of each device, sorted. */
  readonly features: Readonly<Record<string, string>>;
}

const SYSTEM_CPU = '/sys/devices/system/cpu';

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
};

/** Bytes of the data caches of the first core, by level. */
export function cacheBytes(): Record<string, number> {
  const folder = join(SYSTEM_CPU, 'cpu0/cache');
  const caches: Record<string, number> = {};
  for (const name of existsSync(folder) ? readdirSync(folder).filter((entry) => entry.startsWith('index')) : []) {
    const [level, type, size] = ['level', 'type', 'size'].map((file) => readText(join(folder, name, file)) ?? '');
    if (type !== 'Instruction')
      caches[level === '1' ? 'L1d' : `L${level}`] = Number.parseInt(size, 10) * (size.endsWith('M') ? 2 ** 20 : 2 ** 10);
  }
  return caches;
}

function turbo(): boolean | undefined {
  const off = readText(join(SYSTEM_CPU, 'intel_pstate/no_turbo'));
  if (off !== undefined) return off === '0';
  const boost = readText(join(SYSTEM_CPU, 'cpufreq/boost'));
  return boost === undefined ? undefined : boost === '1';
}

/** The revision of the project that this file is part of; empty outside of a clone. */
function git(): Pick<Environment, 'git_revision' | 'git_dirty'> {
  const cwd = dirname(fileURLToPath(import.meta.url));
  const ask = (...args: string[]) => execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return { git_revision: ask('rev-parse', 'HEAD'), git_dirty: ask('status', '--porcelain', '--untracked-files=no') !== '' };
  } catch {
    return {};
  }
}

export interface Place {
  readonly environment: Environment;
  /** Versions of the packages that figures depend on. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Looks at this machine. `devices` are those that a run has opened. */
export function lookAround(devices: ReadonlyMap<DeviceKind, Opened | { missing: string }>): Place {
  const opened = [...devices].flatMap(([kind, state]) => ('missing' in state ? [] : [[kind, state] as const]));
  const lasting = {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    caches: cacheBytes(),
    memory_bytes: os.totalmem(),
    os: `${os.type()} ${os.release()}`,
    arch: os.arch(),
    node: process.version,
    v8: process.versions.v8,
    node_flags: [...process.execArgv, process.env.NODE_OPTIONS].filter(Boolean).join(' '),
    governor: readText(join(SYSTEM_CPU, 'cpu0/cpufreq/scaling_governor')),
    turbo: turbo(),
    adapters: Object.fromEntries(opened.map(([kind, { adapter }]) => [kind, adapter])),
    features: Object.fromEntries(opened.map(([kind, { features }]) => [kind, [...features].sort().join(' ')])),
  };
  return {
    environment: { fingerprint: fingerprintOf(lasting), ...lasting, load: os.loadavg(), ...git() },
    versions: packageVersions(),
  };
}

/** Two runs on one machine with one Node agree, whatever devices they opened. */
function fingerprintOf({ adapters: _, features: __, ...machine }: Omit<Environment, 'fingerprint' | 'load'>): string {
  return createHash('sha256').update(JSON.stringify(machine)).digest('hex').slice(0, 16);
}

// Can timings taken now be trusted? What disturbs them is looked at for a second: other work, the hypervisor, the clock of the processor.

import { availableParallelism, loadavg } from 'node:os';
import type { Environment } from './environment.ts';
import { NoiseMonitor } from './noise.ts';
import { canaryNs } from './readings.ts';
import { quantile } from './statistics.ts';

/** Canaries taken, and how far their middle 80 % may lie apart. */
const CANARIES = 40;
const CANARY_SPREAD_PCT = 5;
/** Seconds that the processors are watched for other work. */
const WATCH_S = 1;
/** Load of the last minute above this share of the processors means that they are in use. */
const LOAD_SHARE = 0.5;
/** Per cent of time in which some process waited for a processor, from pressure stall information. */
const PRESSURE_PCT = 20;

export interface Trust {
  /** What was seen, a line each. */
  readonly seen: readonly string[];
  /** Why timings taken now are in doubt, and what may help; empty where they are not. */
  readonly doubts: readonly string[];
}

/** Watches the machine for about a second. Nothing else of ours should run meanwhile. */
export async function watchMachine({ governor, turbo }: Pick<Environment, 'governor' | 'turbo'>): Promise<Trust> {
  const monitor = new NoiseMonitor();
  monitor.watch([]);
  const canaries = Array.from({ length: CANARIES }, canaryNs);
  await new Promise((resolve) => setTimeout(resolve, WATCH_S * 1000));
  const { stealPct, foreignPct, pressurePct } = monitor.round([]);
  const spread = (100 * (quantile(canaries, 0.9) - quantile(canaries, 0.1))) / quantile(canaries, 0.5);
  const [load] = loadavg();
  const resolution = clockResolutionNs();

  const checks: { seen: string; doubt?: string }[] = [
    { seen: `host clock in steps of ${resolution.toFixed(0)} ns`, doubt: resolution > 20_000 ? 'the host clock is coarse' : undefined },
    {
      seen: `canary loop spreads by ${spread.toFixed(1)} %`,
      doubt: spread > CANARY_SPREAD_PCT ? `a fixed loop varies by ${spread.toFixed(1)} %: close other programs, or wait` : undefined,
    },
    {
      seen: `load ${load.toFixed(2)} on ${availableParallelism()} processors`,
      doubt:
        load > LOAD_SHARE * availableParallelism()
          ? `other work keeps the processors busy (load ${load.toFixed(2)}): end it, or wait`
          : undefined,
    },
  ];
  if (foreignPct !== undefined)
    checks.push({
      seen: `other processes take ${foreignPct.toFixed(1)} % of the processors`,
      doubt: foreignPct > 5 ? `other processes take ${foreignPct.toFixed(1)} % of the processors just now` : undefined,
    });
  if (stealPct !== undefined)
    checks.push({
      seen: `the hypervisor takes ${stealPct.toFixed(1)} %`,
      doubt:
        stealPct > 2 ? `the hypervisor gives ${stealPct.toFixed(1)} % of the processors to others: use a machine of your own` : undefined,
    });
  if (pressurePct !== undefined)
    checks.push({
      seen: `processes waited for a processor ${pressurePct.toFixed(1)} % of the time`,
      doubt: pressurePct > PRESSURE_PCT ? `processes wait for a processor ${pressurePct.toFixed(0)} % of the time` : undefined,
    });
  if (governor !== undefined)
    checks.push({
      seen: `governor ${governor}`,
      doubt: governor === 'powersave' ? 'the governor is powersave: cpupower frequency-set -g performance' : undefined,
    });
  if (turbo !== undefined) checks.push({ seen: `turbo ${turbo ? 'on: figures fall as the machine warms up' : 'off'}` });
  return { seen: checks.map(({ seen }) => seen), doubts: checks.flatMap(({ doubt }) => doubt ?? []) };
}

/** The smallest step between two readings of the clock that differ. */
function clockResolutionNs(): number {
  let smallest = Infinity;
  for (let i = 0; i < 1000; i++) {
    const began = performance.now();
    let now = began;
    while (now === began) now = performance.now();
    smallest = Math.min(smallest, (now - began) * 1e6);
  }
  return smallest;
}

// The options of `bench selftest`.

import type { Command } from 'commander';
import { list, seconds, whole, wholes } from '../run-options.ts';
import { duration, share } from './ci-options.ts';

export interface SelftestFlags {
  /** Whole runs of the suite with both sides alike; runs with slowdowns; runs with a hog. */
  readonly suites: number;
  readonly slowed: number;
  readonly hogged: number;
  readonly hours?: number;
  /** Recordings to print the table of; nothing is measured. */
  readonly from?: string[];
  readonly device: string[];
  readonly threads?: number[];
  readonly filter?: string;
  readonly budget: number;
  readonly margin: number;
  readonly timeout: number;
  readonly seed: number;
  readonly resume?: boolean;
  readonly out?: string;
  readonly verbose?: boolean;
}

const hours = (text: string): number => seconds(String(Number(text) * 3600)) / 3600;

export const addSelftestOptions = (command: Command): Command =>
  command
    .option('--suites <count>', 'whole runs of the gate suite with both sides alike', whole(0, 10_000), 10)
    .option('--slowed <count>', 'runs of some benchmarks whose head makes 1 extra call in 20', whole(0, 1000), 2)
    .option('--hogged <count>', 'runs of some benchmarks beside a CPU hog that runs while the head does', whole(0, 1000), 1)
    .option('--hours <hours>', 'start no further run of the suite after this time', hours)
    .option('--device <list>', 'cpu, webgpu', list, ['cpu'])
    .option('--threads <list>', 'thread counts of the CPU (default: 1 and all)', wholes(1, 64))
    .option('--filter <expr>', 'a shorter suite: benchmarks to keep, over the columns known before a run')
    .option('--budget <time>', 'for each run of the suite: 90s, 5m', duration, 300)
    .option('--margin <share>', 'slowdown that is tolerated', share, 0.02)
    .option('--timeout <seconds>', 'what one call may take before its process is killed', seconds, 60)
    .option('--seed <number>', 'of order, data and statistics', whole(0, 2 ** 32 - 1), 1)
    .option('--resume', 'go on in the folder of --out: what it has is not measured again')
    .option('--out <dir>', 'where to write (default: results/<UTC time>-selftest)')
    .option('--from <list>', 'measure nothing: the table of recordings, selftest.jsonl or the same compressed by gzip', list)
    .option('--verbose', 'show stacks of errors, and what arms print to standard error');

// The options of `bench run`: the contract's, and those that the suites on the command line add.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatNames } from '../../reports/formats.ts';
import type { SuiteOption } from '../suite.ts';
import { type Budget, parseBudget } from '../tuner/budget.ts';
import { loadSuite, mayBeSuite } from './suites.ts';

/** What commander makes of the options of `run`. */
export interface RunFlags {
  readonly device?: string[];
  readonly threads?: number[];
  readonly kernels?: string[];
  readonly shapes?: string;
  readonly filter?: string;
  readonly peers?: string[];
  readonly baseline?: string;
  readonly time?: number;
  readonly forks?: number;
  readonly timeout: number;
  readonly quick?: boolean;
  readonly seed: number;
  readonly resume?: boolean;
  readonly out?: string;
  readonly format: string[];
  readonly dataDir?: string;
  readonly trace?: string;
  readonly dryRun?: boolean;
  readonly tune: 'off' | 'cache' | 'tune' | 'force';
  readonly pin?: boolean;
  readonly tuneBudget?: Budget;
  readonly roof: boolean;
  readonly verbose?: boolean;
  /** Options that suites add, by camel-cased name. */
  readonly [suiteOption: string]: unknown;
}

export const list = (text: string): string[] => {
  const items = text.split(',').map((item) => item.trim());
  if (items.includes('')) throw new InvalidArgumentError('expected names with commas between them, without empty ones.');
  return [...new Set(items)];
};

/** A reader of whole numbers within bounds; the message names them. */
export const whole =
  (low: number, high: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < low || value > high)
      throw new InvalidArgumentError(`expected a whole number from ${low} to ${high}.`);
    return value;
  };

export const wholes =
  (low: number, high: number) =>
  (text: string): number[] =>
    list(text).map(whole(low, high));

export const seconds = (text: string): number => {
  const value = Number(text);
  if (!(value > 0 && value <= 86400)) throw new InvalidArgumentError('expected seconds above 0, up to 86400.');
  return value;
};

/** A budget of evaluations, seconds, or both. */
export const budget = (text: string): Budget => {
  try {
    return parseBudget(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message.replace(/^--budget: /, ''));
  }
};

/** Adds the options of `run`, with those of the suites named in `args`. Returns the suites' own. */
export async function addRunOptions(run: Command, args: readonly string[]): Promise<readonly SuiteOption[]> {
  run
    .option('--device <list>', 'cpu, webgpu (default: both)', list)
    .option('--threads <list>', 'thread counts of the CPU (default: 1 and all)', wholes(1, 64))
    .option('--kernels <list>', 'kernels to measure (default: all that can)', list)
    .option('--shapes <list>', 'shapes as the suite writes them, or a CSV file')
    .option('--filter <expr>', 'rows to keep, over the columns: device==cpu && gflops>10')
    .option('--peers <list>', 'libraries that join the rounds; see bench peers', list)
    .option('--baseline <arm>', 'every row also as a ratio to this arm')
    .option('--time <seconds>', 'sampling per case and fork, shared by its arms (default: 2, quick 0.5)', seconds)
    .option('--forks <count>', 'fresh processes per arm (default: 3, quick 1)', whole(1, 100))
    .option('--timeout <seconds>', 'what one call may take before its process is killed', seconds, 60)
    .option('--quick', 'one fork, no interval, small sizes')
    .option('--seed <number>', 'of order and data', whole(0, 2 ** 32 - 1), 1)
    .option('--resume', 'add only what is missing in the folder of --out (default: the newest of the suite)')
    .option('--out <dir>', 'where to write (default: results/<UTC time>-<suite>)')
    .option('--format <list>', `${formatNames.join(', ')}: the first to standard output, all into the folder`, list, ['table'])
    .option('--data-dir <dir>', 'where data sets lie (default: TILEBENCH_DATA, else the cache folder)')
    .option('--trace <file>', 'write what every thread and queue did, kernel by kernel, for ui.perfetto.dev')
    .option('--dry-run', 'list cases, arms, predicted time and memory; run nothing')
    .addOption(
      new Option('--tune <mode>', 'where tunables come from: defaults, tables, tables and tuning for what they lack, tuning for everything')
        .choices(['off', 'cache', 'tune', 'force'])
        .default('cache'),
    )
    .option('--tune-budget <budget>', 'what --tune may take for each problem: 10s, 40 evaluations, or both: 10s,40 (default: 10s)', budget)
    .option('--pin', 'tunables only from the tables of this revision and defaults, never from what this machine has learnt')
    .option('--no-roof', 'do not measure the roof, nor the share of it that kernels reach')
    .option('--verbose', 'show stacks of errors, and what arms print to standard error');
  const own = args[0] === 'run' ? await suiteOptions(args) : [];
  for (const { flags, description } of own) run.option(flags, description);
  return own;
}

/** The options of every suite that the arguments may name, each once. A suite that cannot be loaded is reported later, when it is run. */
async function suiteOptions(args: readonly string[]): Promise<SuiteOption[]> {
  const found = new Map<string, SuiteOption>();
  for (const name of args.slice(1).filter(mayBeSuite)) {
    const loaded = await loadSuite(name).catch(() => undefined);
    for (const option of loaded?.suite.options ?? []) found.set(option.flags, option);
  }
  return [...found.values()];
}

/** The values of the suites' own options, by their long names. */
export function ownOptions(flags: RunFlags, options: readonly SuiteOption[]): Record<string, string | boolean> {
  const values: Record<string, string | boolean> = {};
  for (const option of options.map(({ flags }) => new Option(flags))) {
    const value = flags[option.attributeName()];
    if (typeof value === 'string' || typeof value === 'boolean') values[option.name()] = value;
  }
  return values;
}

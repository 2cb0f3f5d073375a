// The options of `bench ci`.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { formatNames } from '../../../reports/formats.ts';
import { list, seconds, whole, wholes } from '../run-options.ts';
import type { GatePolicy } from './exit.ts';

export interface CiFlags extends GatePolicy {
  readonly base: string;
  readonly head: string;
  readonly suites: string[];
  readonly device: string[];
  readonly threads?: number[];
  readonly kernels?: string[];
  readonly shapes?: string;
  readonly filter?: string;
  /** Seconds. */
  readonly budget: number;
  /** As a share: 0.02. */
  readonly margin: number;
  readonly timeout: number;
  readonly seed: number;
  readonly resume?: boolean;
  readonly out?: string;
  readonly format: string[];
  readonly verbose?: boolean;
}

/** `5m`, `90s`, `1h`, or seconds. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(s|m|h)?$/.exec(text.trim());
  const value = match ? Number(match[1]) * { s: 1, m: 60, h: 3600 }[(match[2] ?? 's') as 's' | 'm' | 'h'] : NaN;
  if (!(value > 0 && value <= 7 * 86400)) throw new InvalidArgumentError('expected a time such as 90s, 5m or 1h, up to a week.');
  return value;
}

/** `2%` or `0.02`. */
export function share(text: string): number {
  const value = text.trim().endsWith('%') ? Number(text.trim().slice(0, -1)) / 100 : Number(text);
  if (text.trim() === '' || !(value > 0 && value < 1)) throw new InvalidArgumentError('expected a share such as 2% or 0.02, below 100%.');
  return value;
}

/** What is written, and what makes the exit code: the same for a gate and for judging it again. */
export const addPolicyOptions = (command: Command): Command =>
  command
    .addOption(new Option('--gate <what>', 'what makes the exit code 1').choices(['regression', 'none']).default('regression'))
    .option('--require-conclusive', 'exit code 5 where something is inconclusive', false)
    .option('--format <list>', `${formatNames.join(', ')}: the first to standard output, all into the folder`, list, ['table'])
    .option('--verbose', 'show stacks of errors, and what arms print to standard error');

export function addCiOptions(command: Command): Command {
  return addPolicyOptions(command)
    .requiredOption('--base <ref>', 'the revision to compare with: a branch, a tag, a commit')
    .option('--head <ref>', 'the revision to judge: what is checked out, or . for the tree as it is', 'HEAD')
    .option('--suites <list>', 'suites to compare, by name or path', list, ['gate'])
    .option('--device <list>', 'cpu, webgpu', list, ['cpu'])
    .option('--threads <list>', 'thread counts of the CPU (default: 1 and all)', wholes(1, 64))
    .option('--kernels <list>', 'kernels to compare (default: the one that each revision chooses)', list)
    .option('--shapes <list>', 'shapes as the suite writes them, or a CSV file')
    .option('--filter <expr>', 'benchmarks to keep, over the columns known before a run')
    .option('--budget <time>', 'for all of it: 90s, 5m, 1h', duration, 300)
    .option('--margin <share>', 'slowdown that is tolerated', share, 0.02)
    .option('--timeout <seconds>', 'what one call may take before its process is killed', seconds, 60)
    .option('--seed <number>', 'of order, data and statistics', whole(0, 2 ** 32 - 1), 1)
    .option('--resume', 'go on in the folder of --out')
    .option('--out <dir>', 'where to write (default: results/<UTC time>-ci)');
}

export const addHistoryOptions = (command: Command): Command =>
  command
    .addOption(new Option('--format <format>', 'what is printed').choices(['table', 'csv', 'json']).default('table'))
    .option('--magnitude <share>', 'least change of level that is told', share, 0.02)
    .option('--verbose', 'show stacks of errors');

export const addCompareOptions = (command: Command): Command =>
  command
    .option('--margin <share>', 'difference that does not matter', share, 0.02)
    .addOption(new Option('--format <format>', 'what is printed').choices(['table', 'csv', 'json', 'markdown']).default('table'))
    .addOption(new Option('--foreign <policy>', 'where the environments differ').choices(['mark', 'refuse']).default('mark'))
    .option('--out <dir>', 'a results folder of the comparison, with its page (default: nothing is written)')
    .option('--verbose', 'show stacks of errors');

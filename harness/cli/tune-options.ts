// The options of `bench tune OP`.

import { type Command, InvalidArgumentError } from 'commander';
import type { Budget } from '../tuner/budget.ts';
import { DEFAULT_STRATEGY, strategies } from '../tuner/strategies/catalog.ts';
import { budget, list, seconds, whole, wholes } from './run-options.ts';

export interface TuneFlags {
  readonly device?: string[];
  readonly threads?: number[];
  readonly kernels?: string[];
  readonly shapes?: string;
  readonly pass?: string;
  readonly where?: string[];
  readonly strategy: string;
  readonly set?: Readonly<Record<string, string>>;
  readonly budget: Budget;
  readonly samples?: number;
  readonly seed: number;
  readonly timeout: number;
  readonly resume?: boolean;
  readonly out?: string;
  readonly format: string[];
  readonly roof: boolean;
  readonly save: boolean;
  readonly warm: boolean;
  readonly verbose?: boolean;
}

const setting = (text: string, before: Record<string, string> = {}): Record<string, string> => {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('expected NAME=VALUE.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
};

export function addTuneOptions(command: Command): Command {
  return command
    .option('--device <list>', 'cpu, webgpu (default: cpu)', list)
    .option('--threads <list>', 'threads of the CPU device (default: all)', wholes(1, 64))
    .option('--kernels <list>', 'kernels to choose from (default: all that could be fastest)', list)
    .option('--shapes <list>', 'problems as the suites write them, or a CSV file')
    .option('--pass <list>', 'of conv2d: forward, input-grad, filter-grad')
    .option(
      '--where <constraint>',
      "a further constraint on the space, such as 'KU == 4 and MR >= 4'; may be given again",
      (text, before: string[] = []) => [...before, text],
    )
    .option('--strategy <name>', `how the space is searched: ${strategies.map(({ name }) => name).join(', ')}`, DEFAULT_STRATEGY)
    .option('--set <name=value>', 'an option of the strategy; may be given again', setting)
    .option('--budget <budget>', 'for each problem: 60s, 200 evaluations, or both: 60s,200', budget, { seconds: 60 })
    .option('--samples <count>', 'samples of each configuration that is not dropped (default: 5)', whole(3, 1000))
    .option('--seed <number>', 'of search, order and data', whole(0, 2 ** 32 - 1), 1)
    .option('--timeout <seconds>', 'what one step of a candidate may take before its process is killed', seconds, 30)
    .option('--resume', 'go on with the journals in the folder of --out (default: the newest of the op)')
    .option('--out <dir>', 'where journals and results go (default: results/<UTC time>-tune-<op>)')
    .option('--format <list>', 'table, csv, json, markdown: the first to standard output, all into the folder', list, ['table'])
    .option('--no-roof', 'do not measure the roof: searches do not end early at it')
    .option('--no-warm', 'do not begin with what the tuned table says of this problem and those near it')
    .option('--no-save', "do not put winners into the user's table")
    .option('--verbose', 'show stacks of errors, and what children print to standard error');
}

// The commands under `bench tune`, each loaded only when it is asked for.

import type { Command } from 'commander';
import { DEFAULT_STRATEGY } from '../tuner/strategies/catalog.ts';
import type { ExitCode } from './exit.ts';
import { list, whole } from './run-options.ts';
import type { ExportFlags, ImportFlags } from './tune-exchange.ts';
import { addTuneOptions, type TuneFlags } from './tune-options.ts';
import type { ReplayFlags } from './tune-replay.ts';
import type { SpaceFlags } from './tune-space.ts';

/** Adds `bench tune OP` and the subcommands beside it. `end` takes the exit code. */
export function addTuneCommands(program: Command, args: readonly string[], end: (code: ExitCode) => void): void {
  const tune = program
    .command('tune')
    .description('find the best tunables of an op, prove them, remember them')
    .argument('<op>', 'an op, or the path of a kernel of your own')
    // Options after a subcommand's name are the subcommand's.
    .enablePositionalOptions();
  addTuneOptions(tune).action(async (op: string, flags: TuneFlags) =>
    end(await (await import('./tune-live.ts')).tuneLive(op, flags, args)),
  );
  const subcommand = (name: string, description: string) =>
    tune.command(name).description(description).option('--verbose', 'show the stack of an error');

  subcommand('space', "a space's size before and after its constraints, or its configurations")
    .argument('<kernel|T1.json>', 'OP/DEVICE/NAME as `bench list` shows it, a module of your own, or a tuning problem in T1 form')
    .option('--shapes <shape>', 'the problem, as the suite of the op writes it (default: the first of a quick run that the kernel can do)')
    .option('--csv', 'print every valid configuration')
    .action(async (name: string, flags: SpaceFlags) => end(await (await import('./tune-space.ts')).showSpace(name, flags)));

  subcommand('replay', 'strategies against recorded measurements, beside random search; no device needed')
    .argument('<recording...>', "journals of an exhaustive search, T4, or Kernel Tuner's cache files; gzipped or not")
    .option('--strategy <list>', 'strategies to compare', list, [DEFAULT_STRATEGY])
    .option('--evaluations <list>', 'after how many evaluations to look (default: 60, or a tenth of the space where that is more)', list)
    .option('--seeds <count>', 'runs of each strategy', whole(1, 100_000), 100)
    .option('--batch <count>', 'configurations asked for at a time', whole(1, 1000), 8)
    .option('--warm <recording>', 'start from the best four of a recording of a neighbouring problem')
    .option('--model', "begin with what the kernel's own model ranks first, as a live tuning does")
    .option('--format <format>', 'table or csv (every evaluation)', 'table')
    .option('--svg <file>', 'draw the curves')
    .action(async (paths: string[], flags: ReplayFlags) => end(await (await import('./tune-replay.ts')).replayRecordings(paths, flags)));

  subcommand('report', 'what tunings found, how much it pays and how sure that is, as a page and pictures')
    .argument('<dir>', 'a folder of journals')
    .action(async (dir: string) => end((await import('./tune-report.ts')).tuneReport(dir)));

  subcommand('export', 'a recording in a form that other tuners read')
    .argument('<recording>', "a journal, T4, or Kernel Tuner's cache file; gzipped or not")
    .requiredOption('--as <form>', "t1 (the space), t4 (the results), or cache (Kernel Tuner's, which its simulation mode reads)")
    .option('--out <file>', 'where to write (default: standard output)')
    .action(async (path: string, flags: ExportFlags) => end(await (await import('./tune-exchange.ts')).exportRecording(path, flags)));

  subcommand('import', 'results of another tuner or machine, checked and written as a journal')
    .argument('<recording>', "T4 or Kernel Tuner's cache file; gzipped or not")
    .requiredOption('--like <journal>', 'a journal of the kernel, problem and device that they were measured of')
    .requiredOption('--out <file>', 'the journal to write; it must not exist')
    .action(async (path: string, flags: ImportFlags) => end(await (await import('./tune-exchange.ts')).importRecording(path, flags)));
}

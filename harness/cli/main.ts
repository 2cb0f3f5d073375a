// The command line: its subcommands, each loaded only when it is asked for, and the one place where errors become a line and an exit code.

import { Command, CommanderError } from 'commander';
import { project } from '../project.ts';
import type { DataFlags, MakeFlags } from './data.ts';
import { EXIT, type ExitCode, exitCodeOf, report } from './exit.ts';
import { addRunOptions, type RunFlags, whole } from './run-options.ts';
import { addTuneCommands } from './tune.ts';

/** Runs `bench` with its arguments and returns the exit code. Never throws. */
export async function bench(args: readonly string[]): Promise<ExitCode> {
  // Whoever reads our output may stop reading: head, less. That is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  let code: ExitCode = EXIT.passed;
  try {
    const program = await commandLine(args, (result) => (code = result));
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    // Commander has already said what is wrong; asking for help is not wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.passed : EXIT.usage;
    report(error, args.includes('--verbose'));
    return exitCodeOf(error);
  }
}

async function commandLine(args: readonly string[], end: (code: ExitCode) => void): Promise<Command> {
  const program = new Command('bench')
    .description('Measures compute kernels on WebAssembly and WebGPU, checked and against what the machine can do')
    .version(project().version)
    .exitOverride()
    .showSuggestionAfterError()
    // An option after a subcommand's name is that subcommand's, also where both have one of the name.
    .enablePositionalOptions()
    .helpCommand(false);
  program.configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'bench: ')) });

  const run = program
    .command('run')
    .description('measure suites')
    .argument('<suite...>', 'names from `bench list`, or paths: ./my.suite.ts');
  const suiteOptions = await addRunOptions(run, args);
  run.action(async (names: string[], flags: RunFlags) => end(await (await import('./run.ts')).runSuites(names, flags, suiteOptions, args)));

  const { addCiOptions, addCompareOptions, addHistoryOptions, addPolicyOptions } = await import('./ci/ci-options.ts');
  addCiOptions(
    program.command('ci').description('compare two revisions: exit code 1 for a confirmed regression, and only for that'),
  ).action(async (flags) => end(await (await import('./ci/ci.ts')).ci(flags, args)));

  const compare = program
    .command('compare')
    .description('two results folders, not measured together: what differs')
    .argument('<base>')
    .argument('<head>');
  addCompareOptions(compare).action(async (base, head, flags) => end((await import('./ci/compare.ts')).compareFolders(base, head, flags)));

  const analyze = program.command('analyze').description('every verdict of a folder of bench ci again, from its samples').argument('<dir>');
  addPolicyOptions(analyze).action(async (dir, flags) => end((await import('./ci/analyze.ts')).analyze(dir, flags)));

  const history = program
    .command('history')
    .description('many runs over time: the level of each case, and where it changed')
    .argument('<dir...>');
  addHistoryOptions(history).action(async (dirs, flags) => end((await import('./ci/history.ts')).history(dirs, flags)));

  program
    .command('report')
    .description('one HTML page of a results folder: verdict, charts, tables, environment')
    .argument('<dir>')
    .option('--open', 'show it in the browser')
    .option('--trace <file>', 'a trace of the same run (bench run --trace): timelines of its steps')
    .option('--out <file>', 'where to write (default: report.html in the folder)')
    .option('--verbose', 'show the stack of an error')
    .action(async (dir, flags) => end((await import('./report.ts')).report(dir, flags)));

  const { addSelftestOptions } = await import('./ci/selftest-options.ts');
  addSelftestOptions(
    program.command('selftest').description('what to expect of bench ci on this machine: false alarms, slowdowns found, a noisy neighbour'),
  ).action(async (flags) => end(await (await import('./ci/selftest.ts')).selftest(flags)));

  program
    .command('list')
    .description('suites, kernels with their tunables, data sets, peers')
    .option('--format <format>', 'table or json', 'table')
    .option('--verbose', 'show the stack of an error')
    .action(async ({ format }: { format: string }) => end(await (await import('./list.ts')).list(format)));

  program
    .command('doctor')
    .description('what this machine has, what is missing, and whether its timings can be trusted now')
    .option('--verbose', 'show the stack of an error')
    .action(async () => end(await (await import('./doctor.ts')).doctor()));

  addTuneCommands(program, args, end);

  const peers = program
    .command('peers')
    .description('optional libraries to compare with, kept apart from the project')
    .option('--verbose', 'show the stack of an error');
  peers.action(async () => end(await (await import('./peers.ts')).listPeers()));
  peers
    .command('install')
    .description("install a peer into the user's cache folder")
    .argument('<name...>')
    .action(async (names: string[]) => end(await (await import('./peers.ts')).installPeers(names)));
  addDataCommands(program, end);
  return program;
}

function addDataCommands(program: Command, end: (code: ExitCode) => void): void {
  const data = program.command('data').description('data sets to load and to train on');
  const subcommand = (name: string, description: string) =>
    data
      .command(name)
      .description(description)
      .option('--data-dir <dir>', 'where data sets lie (default: TILEBENCH_DATA, else the cache folder)')
      .option('--verbose', 'show the stack of an error');
  subcommand('list', 'which there are, and where they lie').action(async (flags: DataFlags) =>
    end(await (await import('./data.ts')).listData(flags)),
  );
  subcommand('get', 'download public ones; goes on where it was interrupted')
    .argument('<name...>', 'mnist, fashion-mnist, cifar10')
    .action(async (names: string[], flags: DataFlags) => end(await (await import('./data.ts')).getData(names, flags)));
  subcommand('make', 'make pictures like photographs, so that suites have JPEG files to load')
    .option('--count <number>', 'how many', whole(1, 1_000_000), 256)
    .option('--seed <number>', 'the same seed makes the same pictures', whole(0, 2 ** 32 - 1), 1)
    .action(async (flags: MakeFlags) => end(await (await import('./data.ts')).makeData(flags)));
}

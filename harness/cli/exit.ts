// How `bench` ends: an exit code that says one thing, and one line for the user where something went wrong.

import { UsageError } from '../suite.ts';

export const EXIT = {
  passed: 0,
  regression: 1,
  usage: 2,
  failed: 3,
  invalid: 4,
  inconclusive: 5,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The code that wins where several apply. */
const PRECEDENCE: readonly ExitCode[] = [
  EXIT.interrupted,
  EXIT.usage,
  EXIT.failed,
  EXIT.invalid,
  EXIT.regression,
  EXIT.inconclusive,
  EXIT.passed,
];

export const gravest = (codes: Iterable<ExitCode>): ExitCode => {
  const met = new Set(codes);
  return PRECEDENCE.find((code) => met.has(code)) ?? EXIT.passed;
};

/** The code for an error that ended the command. Errors of other layers are known by name, so that none need be loaded for it. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return EXIT.usage;
  // Data that are missing or damaged are unreadable input.
  if (error instanceof Error && ['DataError', 'FormatError'].includes(error.name)) return EXIT.usage;
  if (error instanceof Error && error.name === 'WriteError') return EXIT.invalid;
  return EXIT.failed;
}

/** One line to standard error; the stack only for those who ask for it. */
export function report(error: unknown, verbose: boolean): void {
  const message = error instanceof Error ? error.message : String(error);
  console.error(`bench: ${message.split('\n')[0]}`);
  if (verbose && error instanceof Error) console.error(error.stack);
}

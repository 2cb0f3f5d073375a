// `bench` as a user starts it: a process in a folder of its own. For the end-to-end tests.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCsv } from '../csv.ts';

const BENCH = fileURLToPath(new URL('bench.mjs', import.meta.url));
export const TROUBLE = fileURLToPath(new URL('fixtures/trouble.suite.ts', import.meta.url));
export const EXAMPLE = fileURLToPath(new URL('../../docs/examples/fib.suite.ts', import.meta.url));

/** Ends what hangs: no test of these takes longer than a few seconds. */
const PATIENCE_MS = 60_000;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Start {
  /** Called with all that stands on standard error so far; it may send signals. */
  watch?(err: string, kill: (signal: NodeJS.Signals) => void, pid: number): void;
  /** A shell command to put in front, such as a limit. */
  readonly under?: string;
}

/** A folder of a test's own, with a cache of its own, removed by `remove`. */
export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'tilebench-'));

  bench(args: readonly string[], { watch, under }: Start = {}): Promise<Ended> {
    const command = [process.execPath, BENCH, ...args];
    const [program, ...rest] = under ? ['bash', '-c', `${under}; exec "$@"`, 'bash', ...command] : command;
    const env = { ...process.env, TILEBENCH_CACHE: join(this.folder, 'cache'), NO_COLOR: '1', COLUMNS: '200' };
    const child = spawn(program, rest, {
      cwd: this.folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: PATIENCE_MS,
      killSignal: 'SIGKILL',
    });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
      watch?.(err, (signal) => child.kill(signal), child.pid!);
    });
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
  }

  text = (...path: string[]): string => readFileSync(join(this.folder, ...path), 'utf8');

  /** The rows of a CSV file of a results folder. */
  rows = (...path: string[]): Record<string, string>[] => readCsv(this.text(...path)).rows.map(({ values }) => ({ ...values }));

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

// A suite is a question put to the machine. It lists cases as data; the harness decides how they are measured.
//
// The same types serve our suites and a user's own (`bench run ./my.suite.ts`).

import type { Cost, DeviceKind, Traits, Tunables } from '../kernels/kernel.ts';
import type { Problem } from '../kernels/problem.ts';
import type { PeerCase } from './peers/peer.ts';
import type { Figure } from './protocol.ts';
import type { Summary } from './record.ts';

/** What the command line asked for, as far as a suite needs it to list its cases. */
export interface Request {
  readonly devices: readonly DeviceKind[];
  readonly quick: boolean;
  readonly seed: number;
  /** Thread counts of the CPU. */
  readonly threads: readonly number[];
  /** `--shapes`, unparsed: a comma list, or the text of a file. */
  readonly shapes?: string;
  /** Where results go, for what a suite writes besides rows, such as curves; absent where nothing is measured. */
  readonly folder?: string;
  /** Options of the suite's own, by long name: `transpose` for matmul. */
  readonly options: Readonly<Record<string, string | boolean>>;
}

/** An option that a suite adds to `bench run`. */
export interface SuiteOption {
  readonly flags: string;
  readonly description: string;
}

/** What a call comes to besides its time: columns of the row. */
export interface Facts {
  /** Bytes that one call moves to its device, and back. */
  readonly bytesH2d?: number;
  readonly bytesD2h?: number;
  readonly peakBytes?: number;
  readonly maxRelErr?: number;
  /** The case's if absent. */
  readonly cost?: Cost;
  /** Columns of the suite's own. */
  readonly extra?: Readonly<Record<string, number>>;
}

/** Work of a suite's own, for questions that no kernel record answers. Made in the arm's process. */
export interface Work {
  /** One call; its promise, where it returns one, is awaited before the next. What is measured is the time until it has ended; with `settle`, until a batch of them has. */
  run(): unknown;
  /** Ends what `run` has only queued: awaited, and measured, once at the end of a batch of calls. */
  settle?(): Promise<void>;
  /** Throws, or returns a line, where the result of the last call is wrong; undefined where it is right. */
  verify?(): string | undefined | Promise<string | undefined>;
  /** Asked once, after `verify`; may call `run`. */
  facts?(): Facts | Promise<Facts>;
  /** Puts changed operands back; not measured. */
  reset?(): void;
  /** Brings work that goes on by itself between calls, such as a queue being filled, to where it is in the long run: awaited before each batch, not measured. */
  steady?(calls: number): Promise<void>;
  /** Calls that a sample must span at least, for work whose calls are not alike; 1 if absent. */
  readonly leastCalls?: number;
  /** What the calls since it was asked before came to besides their time, per call: asked after each sample; a column each, `wait_ms`. */
  figures?(): readonly Figure[] | Promise<readonly Figure[]>;
  close?(): void | Promise<void>;
}

/** One side of a case that is a function instead of a kernel. */
export interface FunctionArm {
  readonly name: string;
  readonly device?: DeviceKind;
  /** What it runs on, where that is said: the column `threads`. */
  readonly threads?: number;
  /** Bytes that it will hold on a device with these traits; asked before anything runs. Throws a UsageError where no device of the kind can hold them. */
  bytes?(traits: Traits): number | Promise<number>;
  /** What one call costs; that of its facts, else the case's if absent. Known before a run, it holds for rows that a resumed run finds measured. */
  readonly cost?: Cost;
  /** Why a device with these traits cannot do it: its row is skipped with the reason. Undefined where it can. */
  refuses?(traits: Traits): string | undefined;
  make(): Work | Promise<Work>;
}

/** One measured row per arm. Either `problem` (arms are the kernels that can do it, and peers) or `arms` (with peers where it has `asked`) is given. */
export interface Case {
  /** Unique in the suite, a path: `matmul/512x512x512/nn/f32`. */
  readonly name: string;
  readonly problem?: Problem;
  /** Devices the case makes sense on; all that were asked for if absent. */
  readonly devices?: readonly DeviceKind[];
  /** Whether a call includes reading the result back to the host, as a peer without device tensors must. */
  readonly readback?: boolean;
  readonly arms?: readonly FunctionArm[];
  /** Operands that hold the same values in every call, such as weights that are not trained: what kernels and peers do with them alone belongs to `cold_ns`. */
  readonly constants?: readonly string[];
  /** What peers are asked, where no problem says it: a training step, a model. */
  readonly asked?: PeerCase;
  readonly cost?: Cost;
  /** What a call gets done besides operations, such as images: the column `images_per_s`. */
  readonly items?: { readonly name: string; readonly count: number };
  /** The problem's if absent; of functions `f64`, which JavaScript's numbers are. */
  readonly dtype?: string;
  /**
   * Set where a call is a whole experiment, such as a training to its end: it is made once, in one fork, and is the row's only sample. Seconds that it is
   * expected to take, and after which its process is killed (no sooner than --timeout says).
   */
  readonly once?: { readonly seconds: number; readonly timeout: number };
  /** Tunables to use instead of a kernel's own, by kernel name. */
  readonly tunables?: Readonly<Record<string, Tunables>>;
  /** Columns that the suite adds to the row. */
  readonly extra?: Readonly<Record<string, string | number>>;
  /**
   * Names of arms that do the same, each as directly as it can: the best of those on a device with a thread count is the roof by which they are rated, in
   * place of the machine's, and nothing else in the case is rated. An empty list rates nothing.
   */
  readonly loops?: readonly string[];
}

export interface Suite {
  readonly name: string;
  /** The question, in a line. */
  readonly question: string;
  readonly options?: readonly SuiteOption[];
  /** The cases, in the order to run them. Throws a UsageError for a request it cannot meet. */
  cases(request: Request): readonly Case[];
  /**
   * What the rows mean: closing sentences, each with the number behind it. It is asked at the end of a run, an interrupted or resumed one too, so any row may
   * be missing or have no figures; what cannot be said is left out. Where it throws, the run is kept without it.
   */
  verdict?(rows: readonly Summary[], request: Request): readonly string[];
}

/** A request that cannot be met: a line for the user, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** There is no suite of that name, or no module at that path. */
export class UnknownSuiteError extends UsageError {}

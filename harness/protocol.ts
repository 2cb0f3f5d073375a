// The protocol is what the parent and the child of an arm say to each other: the parent asks, the child answers, one thing at a time.
//
// It has a version because the two sides may come from different git revisions of the project.

import type { Cost, Tunables } from '../kernels/kernel.ts';
import type { Problem } from '../kernels/problem.ts';
import type { Identity } from '../kernels/tuned/entry.ts';
import type { Arm } from './arm.ts';
import type { PeerCase } from './peers/peer.ts';
import type { Events } from './span.ts';
import type { Case, FunctionArm, Request } from './suite.ts';
import type { CandidateOrder, Compiled, Proven, SampleOrder, StageOrder, Warmed } from './tuner/stage.ts';

export const PROTOCOL_VERSION = 2;

/** What the child has opened: the facts of a row that do not depend on the case. */
export interface Opened {
  readonly protocol: number;
  /** CPU model or WebGPU adapter; for a peer its versions. */
  readonly adapter: string;
  /** V8 flags in force, as given on the command line or set at run time. */
  readonly v8Flags: string;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  /** Who the device is, for tuned tables. */
  readonly identity?: Identity;
}

/** A case as data; a function arm is looked up by name in the suite that `open` named. */
export interface CaseOrder {
  readonly name: string;
  readonly problem?: Problem;
  readonly readback: boolean;
  /** The kernel, where the arm has not one kernel for all its cases. */
  readonly kernel?: string;
  /** What the kernel is to be given; absent: its own defaults. */
  readonly tunables?: Tunables;
  /** What to give it in turn where that does not launch. */
  readonly fallbacks?: readonly TunedTunables[];
  readonly seed: number;
  /** Whether a seeded sample of the results is checked instead of all, where an earlier process has checked all. */
  readonly sampled?: boolean;
  /** Operands that hold the same values in every call: what is done with them alone is done in the first. */
  readonly constants?: readonly string[];
  /** What a peer is asked. */
  readonly asked?: PeerCase;
}

/** Tunables and where they came from. */
export interface TunedTunables {
  readonly tunables: Tunables;
  readonly source: string;
}

/** A case made ready: generated, compiled, called once and checked. */
export interface Prepared {
  /** Nanoseconds from nothing generated to the end of the first call. */
  readonly coldNs: number;
  readonly verified: boolean;
  readonly maxRelErr?: number;
  readonly tunables?: Tunables;
  /** Where the tunables came from, where the arm knows better than the plan: of a fallback, or of the many launches of a function. */
  readonly tuneSource?: string;
  /** What a reader should know although the row is fine. */
  readonly warning?: string;
  readonly cost?: Cost;
  /** Bytes that crossed to the device and back for one call, operands included where they are handed over per call. */
  readonly bytesH2d?: number;
  readonly bytesD2h?: number;
  readonly peakBytes?: number;
  /** Facts in columns of their own, by name. */
  readonly extra?: Readonly<Record<string, number>>;
}

export interface Calibrated {
  /** Calls that one sample spans. */
  readonly iterations: number;
  /** Nanoseconds of one call, warm. */
  readonly callNs: number;
  /** True where a sample of the fewest calls exceeds the arm's share: `callNs` is then its only sample. */
  readonly slow: boolean;
  /** Of a slow arm: what was measured beside the time. */
  readonly figures?: readonly Figure[];
  /** False where calls were still getting faster when the warm-up's budget ended. */
  readonly steady: boolean;
}

/** One figure of a sample, per call. */
export interface Figure {
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
}

/** A case by name, with the names of its arms where they are functions: what travels of it between processes. */
export interface ListedCase extends Pick<Case, 'name' | 'problem' | 'devices' | 'dtype'> {
  readonly arms?: readonly Pick<FunctionArm, 'name' | 'device' | 'threads'>[];
}

/** Every verb with what is asked and what is answered. */
export interface Verbs {
  /** With `traced` the process records spans and counters from then on. */
  open: { ask: { protocol: number; arm: Arm; suite?: string; request?: Request; traced?: boolean }; answer: Opened };
  /** Of an arm of functions: the cases that its suite lists. */
  list: { ask: object; answer: ListedCase[] };
  prepare: { ask: { case: CaseOrder }; answer: Prepared };
  calibrate: { ask: { shareNs: number; sampleNs: number }; answer: Calibrated };
  sample: { ask: { iterations: number }; answer: Figure[] };
  /** What was recorded since it was asked the last time; nothing where `open` did not ask for it. */
  trace: { ask: object; answer: Events };
  release: { ask: object; answer: object };
  /** Of the tuner: many candidates over the operands of one problem. */
  stage: { ask: StageOrder; answer: object };
  compile: { ask: { candidates: readonly CandidateOrder[] }; answer: Compiled[] };
  prove: { ask: { id: string }; answer: Proven };
  warm: { ask: { id: string; sampleNs: number; limitNs: number }; answer: Warmed };
  time: { ask: { samples: readonly SampleOrder[] }; answer: { ns: readonly number[]; spentNs: number } };
  drop: { ask: { ids: readonly string[] }; answer: object };
  close: { ask: object; answer: object };
}
export type Verb = keyof Verbs;

export type Question = { [V in Verb]: { readonly id: number; readonly verb: V; readonly ask: Verbs[V]['ask'] } }[Verb];

/** Why an arm has no figures for a case: the row's status and reason. */
export interface Failure {
  readonly status: 'failed' | 'wrong' | 'skipped' | 'timeout';
  readonly reason: string;
}

export type Reply = { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly failure: Failure };

/** A failure on its way to the row that it belongs to. */
export class ArmFailure extends Error implements Failure {
  override readonly name = 'ArmFailure';
  readonly status: Failure['status'];
  readonly reason: string;

  constructor(status: Failure['status'], reason: string) {
    super(reason);
    this.status = status;
    this.reason = reason;
  }
}

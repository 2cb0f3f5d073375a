// A child is the parent's end of an arm's process: it asks, waits no longer than it should, and ends what hangs.

import { type ChildProcess, fork } from 'node:child_process';
import { clockNs, tracing } from '../kernels/span.ts';
import type { Arm } from './arm.ts';
import { familyOf, involuntarySwitchesOf, type ProcessorTime, processorTimeOf } from './processes.ts';
import { ArmFailure, type Opened, PROTOCOL_VERSION, type Reply, type Verb, type Verbs } from './protocol.ts';
import { revisionOptions } from './revision.ts';
import type { Request } from './suite.ts';

/** How a child is started: the module it runs, and the suite it serves. */
export interface Birth {
  /** Path of the module that calls `serve`. */
  readonly entry: string;
  /** The suite's name or module URL. */
  readonly suite?: string;
  readonly request?: Request;
  /** Whether the process records spans and counters. */
  readonly traced?: boolean;
  /** Seconds that opening the arm may take. */
  readonly timeout: number;
  /** Shows what the process prints to standard error; else only its end is kept, for the reason of a failure. */
  readonly verbose?: boolean;
}

/** Characters of the child's standard error that are kept, to say why it died. */
const TAIL = 2000;

interface Waiting {
  resolve(answer: unknown): void;
  reject(failure: ArmFailure): void;
}

/** Every living child, so that an exit of the parent by any way takes them along. */
const living = new Set<ChildProcess>();

/** Ends every child at once; what was asked of them fails. */
export function killChildren(): void {
  for (const child of living) child.kill('SIGKILL');
}
process.on('exit', killChildren);

export class Child {
  #arm: Arm;
  #process: ChildProcess;
  #waiting?: Waiting & { id: number };
  #asked = 0;
  #tail = '';
  #ended?: ArmFailure;
  /** The process and those it has started; looked up when a case is ready, since a peer may then have a process of its own. */
  #family?: readonly number[];

  /** Starts a process and opens the arm in it. Rejects with an ArmFailure. */
  static async open(arm: Arm, birth: Birth): Promise<{ child: Child; opened: Opened }> {
    const child = new Child(arm, birth);
    try {
      return { child, opened: await child.serve(arm, birth) };
    } catch (failure) {
      // Nobody else knows of it, and a living child keeps the parent alive.
      child.kill();
      throw failure;
    }
  }

  /** Has the process serve an arm: the one it was started for, or another of the same revision. Rejects with an ArmFailure. */
  serve(arm: Arm, { suite, request, traced, timeout }: Birth): Promise<Opened> {
    this.#arm = arm;
    const source = arm.revision?.suite ?? suite;
    return this.ask('open', { protocol: PROTOCOL_VERSION, arm, suite: source, request, traced }, timeout);
  }
  private constructor(arm: Arm, { entry, verbose }: Birth) {
    this.#arm = arm;
    // What the code under test prints belongs to the talk, not to the results: its standard output goes to ours of errors.
    this.#process = fork(entry, [], { serialization: 'advanced', stdio: ['ignore', 2, 'pipe', 'ipc'], ...revisionOptions(arm.revision) });
    living.add(this.#process);
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#tail = (this.#tail + text).slice(-TAIL);
      if (verbose) process.stderr.write(text);
    });
    this.#process.on('message', (reply) => this.#settle(reply as Reply));
    this.#process.on('close', (code, signal) => this.#end(code, signal));
  }

  /** The arm that it serves now. */
  get arm(): Arm {
    return this.#arm;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  get alive(): boolean {
    return this.#ended === undefined;
  }

  /** Asks and waits. Past `seconds` the process is killed; its death, whatever the cause, rejects with an ArmFailure. */
  ask<V extends Verb>(verb: V, ask: Verbs[V]['ask'], seconds: number): Promise<Verbs[V]['answer']> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (verb === 'prepare') this.#family = undefined;
    const id = ++this.#asked;
    const askedNs = clockNs();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#ended = new ArmFailure(
          'timeout',
          `${verb} took more than ${seconds} s, so its process was killed; allow more with --timeout`,
        );
        this.#process.kill('SIGKILL');
      }, seconds * 1000);
      const settled =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          tracing()?.span('parent', `${verb}: ${this.arm.name}`, 'wait', askedNs, clockNs());
          this.#waiting = undefined;
          then(value);
        };
      this.#waiting = { id, resolve: settled(resolve as (answer: unknown) => void), reject: settled(reject) };
      // A send that fails means that the process is ending; its `close` event settles the question.
      this.#process.send({ id, verb, ask }, () => undefined);
    });
  }

  #settle(reply: Reply): void {
    if (reply.id !== this.#waiting?.id) return;
    if ('answer' in reply) this.#waiting.resolve(reply.answer);
    else this.#waiting.reject(new ArmFailure(reply.failure.status, reply.failure.reason));
  }

  #end(code: number | null, signal: NodeJS.Signals | null): void {
    living.delete(this.#process);
    const last = this.#tail.trim().split('\n').at(-1);
    const how = signal ? `was killed by ${signal}` : `ended with exit code ${code}`;
    this.#ended ??= new ArmFailure('failed', `the arm's process ${how}${last ? `: ${last}` : ''}`);
    this.#waiting?.reject(this.#ended);
  }

  /** Processor time that the process and those it has started have used; undefined where the system does not say. */
  processorTime(): ProcessorTime | undefined {
    return processorTimeOf(this.#members);
  }

  /** Times that they were put aside while they wanted to run. */
  involuntarySwitches(): number | undefined {
    return involuntarySwitchesOf(this.#members);
  }

  get #members(): readonly number[] {
    this.#family ??= familyOf(this.#process.pid!);
    return this.#family;
  }

  /** Ends the process: politely, so that it can close its device, then by force. */
  async close(): Promise<void> {
    if (!this.alive) return;
    await this.ask('close', {}, 2).catch(() => undefined);
    if (this.alive) this.kill();
  }

  /** Ends the process now. */
  kill(): void {
    this.#ended ??= new ArmFailure('failed', "the arm's process was ended");
    this.#process.kill('SIGKILL');
  }
}

// A launch is a kernel made ready for one problem on one device: compiled program, passes and workspace. Running it is a loop of dispatches.
//
// Operands that the caller promises not to change (weights, outside of training) are turned into the kernel's own layout once, by the first run.

import type { Buffer, Device, Program } from './device.ts';
import { DeviceError } from './device.ts';
import type { Kernel, Pass, Plan, Tunables } from './kernel.ts';
import type { Problem } from './problem.ts';

export interface LaunchOptions {
  /** Operands that hold the same values, in the same or another buffer, in every run; none if absent. */
  readonly constants?: readonly string[];
  /** Has the caller of `run` give the workspace that keeps nothing from run to run, so that launches that run in turn may share it: see `scratch`. */
  readonly borrows?: boolean;
}

export class Launch {
  readonly kernel: Kernel;
  readonly problem: Problem;
  readonly tunables: Tunables;
  readonly program: Program;
  readonly workspaceBytes: number;
  /** Bytes of the buffers, by name, that `run` needs among the operands; none unless the launch borrows. Their contents are never read before they are written. */
  readonly scratch: Readonly<Record<string, number>>;
  #device: Device;
  #plan: Plan;
  /** The passes of every run but the first. */
  #lasting: readonly Pass[];
  #isPrepared = false;
  #workspace: Record<string, Buffer> = {};

  /** Generates and compiles. Throws a DeviceError where the kernel cannot do the problem on this device. */
  constructor(
    device: Device,
    kernel: Kernel,
    problem: Problem,
    tunables: Tunables = kernel.defaults(problem, device),
    { constants = [], borrows = false }: LaunchOptions = {},
  ) {
    const reason = kernel.device === device.kind ? kernel.rejects(problem, device) : `it runs on ${kernel.device}, not on ${device.kind}`;
    if (reason !== undefined) throw new DeviceError(`${kernel.op}/${kernel.name}: cannot do this problem: ${reason}`);
    this.kernel = kernel;
    this.problem = problem;
    this.tunables = tunables;
    this.#device = device;
    this.#plan = kernel.plan(problem, tunables, device);
    this.#lasting = this.#plan.passes.filter(({ prepares }) => prepares === undefined || !constants.includes(prepares));
    this.program = device.prepare(kernel.generate(problem, tunables, device));
    this.workspaceBytes = Object.values(this.#plan.workspace).reduce((sum, bytes) => sum + bytes, 0);
    const kept = new Set(this.#plan.passes.filter((pass) => !this.#lasting.includes(pass)).flatMap(({ buffers }) => buffers));
    const lent = Object.entries(this.#plan.workspace).filter(([name]) => borrows && !kept.has(name));
    this.scratch = Object.fromEntries(lent);
    try {
      for (const [name, bytes] of Object.entries(this.#plan.workspace))
        if (!(name in this.scratch)) this.#workspace[name] = device.alloc(bytes);
    } catch (error) {
      this.free();
      throw error;
    }
  }

  /** Bytes of workspace that the launch holds itself. */
  get bytes(): number {
    return Object.values(this.#workspace).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get ready(): Promise<void> {
    return this.program.ready;
  }

  /** Whether runs after the first read an operand. Where they do not, its buffer may be freed and left out. */
  reads(operand: string): boolean {
    return this.#lasting.some(({ buffers }) => buffers.includes(operand));
  }

  /** Dispatches every pass. `operands` maps the problem's operand names (A, B, bias, C) to buffers on the launch's device. */
  run(operands: Readonly<Record<string, Buffer>>): void {
    for (const pass of this.#isPrepared ? this.#lasting : this.#plan.passes) {
      const buffers = pass.buffers.map((name) => operands[name] ?? this.#workspace[name]);
      this.#device.dispatch(this.program, pass.entry, buffers, pass.arguments, pass.grid);
    }
    this.#isPrepared = true;
  }

  /** Gives the workspace back; the program stays in the device's cache. */
  free(): void {
    for (const buffer of Object.values(this.#workspace)) this.#device.free(buffer);
    this.#workspace = {};
  }
}

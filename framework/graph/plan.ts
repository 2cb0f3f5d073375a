// A plan is a program made ready on a device: buffers allocated, kernels chosen and compiled. Running it allocates and compiles nothing.

import { type Buffer, choose, type Device, Launch } from '../../kernels/index.ts';
import { arrange } from './memory.ts';
import type { GraphNode } from './node.ts';
import type { Program, Stage, Value } from './program.ts';

/** Where a value's buffer is found: a variable and its next value exchange theirs at the end of a run. */
export interface Cell {
  buffer: Buffer;
}

/** One kernel of a plan, as a report names it. */
export interface KernelReport {
  /** Names of the nodes it computes, the last one's value being its result. */
  readonly nodes: readonly string[];
  /** Op and kernel: `matmul/packed`. */
  readonly kernel: string;
  /** Whether it writes a variable where it lies. */
  readonly inPlace: boolean;
}

interface BoundLaunch {
  readonly launch: Launch;
  readonly names: readonly string[];
  readonly cells: readonly Cell[];
  readonly operands: Record<string, Buffer>;
}

const runAll = (launches: readonly BoundLaunch[]): void => {
  for (const { launch, names, cells, operands } of launches) {
    for (let i = 0; i < names.length; i++) operands[names[i]] = cells[i].buffer;
    launch.run(operands);
  }
};

export class Plan {
  /** The kernels that every run dispatches, in order. */
  readonly kernels: readonly KernelReport[];
  /** Bytes of the plan's own buffers, workspaces of kernels included. */
  readonly bytes: number;
  readonly #device: Device;
  readonly #own: Cell[] = [];
  readonly #launches: BoundLaunch[] = [];
  readonly #setup: readonly BoundLaunch[];
  readonly #steps: readonly BoundLaunch[];
  readonly #fetches: readonly Cell[];
  readonly #commits: readonly (readonly [Cell, Cell])[];

  /** `cellOf` gives what holds a placeholder, a variable or a constant. Throws a RangeError where no kernel can do a stage. */
  constructor(device: Device, program: Program, cellOf: (source: GraphNode) => Cell) {
    this.#device = device;
    try {
      const { bytes, bufferOf } = arrange(program);
      for (const size of bytes) this.#own.push({ buffer: device.alloc(size) });
      const find = (value: Value): Cell => (value.source ? cellOf(value.source) : this.#own[bufferOf.get(value)!]);
      this.#setup = program.setup.map((stage) => this.#bind(stage, find));
      this.#steps = program.stages.map((stage) => this.#bind(stage, find));
      this.#fetches = program.fetches.map(find);
      this.#commits = program.commits.map(({ variable, value }) => [find(variable), find(value)]);
      const workspaces = this.#launches.reduce((sum, { launch }) => sum + launch.workspaceBytes, 0);
      this.bytes = bytes.reduce((sum, size) => sum + size, workspaces);
    } catch (error) {
      this.free();
      throw error;
    }
    this.kernels = program.stages.map(({ nodes, problem }, i) => ({
      nodes: nodes.map(({ name }) => name),
      kernel: `${problem.op}/${this.#steps[i].launch.kernel.name}`,
      inPlace: problem.op === 'pointwise' && problem.inPlace !== undefined,
    }));
  }

  #bind({ problem, bind }: Stage, find: (value: Value) => Cell): BoundLaunch {
    const { kernel, tunables } = choose(problem, this.#device);
    const launch = new Launch(this.#device, kernel, problem, tunables);
    const bound = { launch, names: Object.keys(bind), cells: Object.values(bind).map(find), operands: {} };
    this.#launches.push(bound);
    return bound;
  }

  /** Waits until everything is compiled, then computes what depends on constants only. */
  async prepare(): Promise<void> {
    await Promise.all(this.#launches.map(({ launch }) => launch.ready));
    runAll(this.#setup);
  }

  /** Dispatches everything, has `read` begin to read the fetched buffers, in order, and gives variables their next values. */
  run(read: (buffer: Buffer, index: number) => void): void {
    runAll(this.#steps);
    this.#fetches.forEach(({ buffer }, i) => read(buffer, i));
    for (const [variable, value] of this.#commits) [variable.buffer, value.buffer] = [value.buffer, variable.buffer];
    this.#device.submit();
  }

  free(): void {
    for (const { launch } of this.#launches) launch.free();
    for (const { buffer } of this.#own) this.#device.free(buffer);
    this.#launches.length = this.#own.length = 0;
  }
}

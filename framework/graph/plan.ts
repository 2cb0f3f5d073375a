// A plan is a program made ready on a device: buffers allocated, kernels chosen and compiled. Running it allocates and compiles nothing.

import { type Buffer, choose, type Device, Launch } from '../../kernels/index.ts';
import type { Control } from './control.ts';
import { type Ask, type ControlStep, stepOf } from './control-step.ts';
import { type History, historiesOf } from './history.ts';
import { arrange } from './memory.ts';
import type { GraphNode } from './node.ts';
import type { KernelStage, Program, Value } from './program.ts';

/** Where a value's buffer is found: a variable and its next value exchange theirs at the end of a run. */
export interface Cell {
  buffer: Buffer;
}

/** One kernel of a plan, or one conditional or loop with its kernels after it, as a report names it. */
export interface KernelReport {
  /** Names of the nodes it computes, the last one's value being its result. */
  readonly nodes: readonly string[];
  /** Op and kernel: `matmul/packed`; of control its kind: `cond`, `while`, `unwind`. */
  readonly kernel: string;
  /** Whether it writes a variable where it lies. */
  readonly inPlace: boolean;
  /** How often it ran in the last run: other than 1 only within control. */
  readonly runs: number;
}

interface BoundLaunch {
  readonly launch: Launch;
  readonly names: readonly string[];
  readonly cells: readonly Cell[];
  readonly operands: Record<string, Buffer>;
  readonly report: Omit<KernelReport, 'runs'>;
}

function runLaunch({ launch, names, cells, operands }: BoundLaunch): void {
  for (let i = 0; i < names.length; i++) operands[names[i]] = cells[i].buffer;
  launch.run(operands);
}

export class Plan {
  readonly #device: Device;
  readonly #ownBytes: number = 0;
  readonly #own: Cell[] = [];
  readonly #launches: BoundLaunch[] = [];
  readonly #controls: ControlStep[] = [];
  readonly #setup: readonly BoundLaunch[];
  readonly #steps: readonly (BoundLaunch | ControlStep)[];
  readonly #fetches: readonly Cell[];
  readonly #commits: readonly (readonly [Cell, Cell])[];
  #histories: ReadonlyMap<Control, History> = new Map();
  #runs = 0;

  /** `cellOf` gives what holds a placeholder, a variable, a constant or a parameter. Throws a RangeError where no kernel can do a stage. */
  constructor(device: Device, program: Program, cellOf: (source: GraphNode) => Cell) {
    this.#device = device;
    try {
      const { bytes, bufferOf } = arrange(program);
      for (const size of bytes) this.#own.push({ buffer: device.alloc(size) });
      const find = (value: Value): Cell => (value.source ? cellOf(value.source) : this.#own[bufferOf.get(value)!]);
      this.#histories = historiesOf(device, program.stages);
      const planOf = (inner: Program, cells: ReadonlyMap<GraphNode, Cell>) =>
        new Plan(device, inner, (source) => cells.get(source) ?? cellOf(source));
      this.#setup = program.setup.map((stage) => this.#bind(stage, find));
      this.#steps = program.stages.map((stage) => {
        if (!stage.control) return this.#bind(stage, find);
        const step = stepOf(stage, { device, find, planOf, histories: this.#histories });
        this.#controls.push(step);
        return step;
      });
      this.#fetches = program.fetches.map(find);
      this.#commits = program.commits.map(({ variable, value }) => [find(variable), find(value)]);
      const workspaces = this.#launches.reduce((sum, { launch }) => sum + launch.workspaceBytes, 0);
      this.#ownBytes = bytes.reduce((sum, size) => sum + size, workspaces);
    } catch (error) {
      this.free();
      throw error;
    }
  }

  #bind({ nodes, problem, bind }: KernelStage, find: (value: Value) => Cell): BoundLaunch {
    const { kernel, tunables } = choose(problem, this.#device);
    const launch = new Launch(this.#device, kernel, problem, tunables);
    const report = {
      nodes: nodes.map(({ name }) => name),
      kernel: `${problem.op}/${kernel.name}`,
      inPlace: problem.op === 'pointwise' && problem.inPlace !== undefined,
    };
    const bound = { launch, names: Object.keys(bind), cells: Object.values(bind).map(find), operands: {}, report };
    this.#launches.push(bound);
    return bound;
  }

  /** Bytes of the plan's own buffers, those of its subgraphs and workspaces of kernels included. */
  get bytes(): number {
    return [...this.#controls, ...this.#histories.values()].reduce((sum, { bytes }) => sum + bytes, this.#ownBytes);
  }

  /** The kernels that the last run dispatched, in order; those of subgraphs stand after their conditional or loop. */
  get kernels(): KernelReport[] {
    return this.#steps.flatMap((step) => ('launch' in step ? [{ ...step.report, runs: this.#runs }] : step.report(this.#runs)));
  }

  /** Waits until everything is compiled, then computes what depends on constants only. */
  async prepare(): Promise<void> {
    await Promise.all(this.#launches.map(({ launch }) => launch.ready));
    await Promise.all(this.#controls.map((control) => control.prepare()));
    for (const launch of this.#setup) runLaunch(launch);
  }

  /** Forgets how often things ran. */
  recount(): void {
    this.#runs = 0;
    for (const control of this.#controls) control.recount();
  }

  /** Dispatches everything. Gives a promise where there is control: it waits for what `ask` reads of predicates. */
  execute(ask: Ask): Promise<void> | undefined {
    this.#runs++;
    if (this.#controls.length > 0) return this.#decide(ask);
    for (const step of this.#steps) runLaunch(step as BoundLaunch);
    return undefined;
  }

  async #decide(ask: Ask): Promise<void> {
    for (const step of this.#steps) {
      if ('launch' in step) runLaunch(step);
      else await step.run(ask);
    }
  }

  /** What the host may read of a fetch, until `commit`. */
  fetched(index: number): Buffer {
    return this.#fetches[index].buffer;
  }

  /** Gives variables their next values, and parameters their results. */
  commit(): void {
    for (const [variable, value] of this.#commits) [variable.buffer, value.buffer] = [value.buffer, variable.buffer];
  }

  free(): void {
    for (const { launch } of this.#launches) launch.free();
    for (const held of [...this.#controls, ...this.#histories.values()]) held.free();
    for (const { buffer } of this.#own) this.#device.free(buffer);
    this.#launches.length = this.#controls.length = this.#own.length = 0;
  }
}

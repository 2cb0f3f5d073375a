// A plan is a program made ready on a device: buffers allocated, kernels chosen and compiled. Running it allocates and compiles nothing.

import { type Buffer, type Cost, choose, type Device, kernelsFor, Launch, launched, type Problem, refusal } from '../../kernels/index.ts';
import { generatedOnce } from '../generated.ts';
import type { Storage } from '../storage.ts';
import type { Control } from './control.ts';
import { type Ask, type ControlStep, stepOf } from './control-step.ts';
import { type History, historiesOf } from './history.ts';
import { arrange } from './memory.ts';
import type { GraphNode } from './node.ts';
import type { KernelStage, Program, Value } from './program.ts';

/** Where a value's buffer is found: a variable and its next value exchange theirs at the end of a run. */
export interface Cell {
  buffer: Buffer;
  /** Where the buffer is a tensor's, which stays its: a next value is copied in. */
  readonly storage?: Storage;
}

/** One kernel of a plan, or one conditional or loop with its kernels after it, as a report names it. */
export interface KernelReport {
  /** Names of the nodes it computes, the last one's value being its result. */
  readonly nodes: readonly string[];
  /** Op and kernel: `matmul/packed`; of control its kind: `cond`, `while`, `unwind`. */
  readonly kernel: string;
  /** Whether it writes over an operand, such as a variable that it updates. */
  readonly inPlace: boolean;
  /** How often it ran in the last run: other than 1 only within control. */
  readonly runs: number;
  /** Of a kernel within control: whose, and in which part of it, outermost first: `cond_7.then while_5.body`. */
  readonly within?: string;
  /** Operations and bytes of one run; none of control. */
  readonly cost?: Cost;
  /** Nanoseconds of the device, where the run was timed; not of kernels within control. */
  readonly ns?: number;
}

interface BoundLaunch {
  readonly launch: Launch;
  readonly names: readonly string[];
  readonly cells: readonly Cell[];
  readonly operands: Record<string, Buffer>;
  readonly report: Omit<KernelReport, 'runs'>;
  /** Of the last timed run. */
  ns?: number;
}

function runLaunch({ launch, names, cells, operands }: BoundLaunch): void {
  for (let i = 0; i < names.length; i++) operands[names[i]] = cells[i].buffer;
  launch.run(operands);
}

export interface PlanOptions {
  /** What holds a placeholder, a variable, a constant or a parameter. */
  readonly cellOf: (source: GraphNode) => Cell;
  /** Names of kernels that go before the ones that would be chosen. */
  readonly kernels?: readonly string[];
}

export class Plan {
  readonly #device: Device;
  readonly #kernels: readonly string[];
  /** Launches and buffers that are to be freed. */
  #launches: Launch[] = [];
  #own: Cell[] = [];
  #scratch: Buffer[] = [];
  readonly #controls: ControlStep[] = [];
  /** What runs once; gone when it has run, with what only it needed. */
  #setup: readonly BoundLaunch[] = [];
  readonly #steps: readonly (BoundLaunch | ControlStep)[] = [];
  readonly #fetches: readonly Cell[];
  readonly #commits: readonly (readonly [Cell, Cell])[];
  #histories: ReadonlyMap<Control, History> = new Map();
  /** Cells that control steps use. */
  readonly #within = new Set<Cell>();
  #needed: ReadonlySet<Cell>;
  #isSettled = false;
  #runs = 0;

  /** Throws a RangeError where no kernel can do a stage. */
  constructor(device: Device, program: Program, { cellOf, kernels = [] }: PlanOptions) {
    this.#device = device;
    this.#kernels = kernels;
    const folded = new Set(program.setup.flatMap(({ bind }) => Object.values(bind)));
    const isConstant = (value: Value): boolean => (value.source ? value.source.definition.kind === 'constant' : folded.has(value));
    try {
      const { bytes, bufferOf } = arrange(program);
      const own = bytes.map((size) => this.#allocate(size));
      const find = (value: Value): Cell => (value.source ? cellOf(value.source) : own[bufferOf.get(value)!]);
      const within = (cell: Cell): Cell => {
        this.#within.add(cell);
        return cell;
      };
      this.#histories = historiesOf(device, program.stages);
      const planOf = (inner: Program, cells: ReadonlyMap<GraphNode, Cell>) =>
        new Plan(device, inner, { cellOf: (source) => cells.get(source) ?? within(cellOf(source)), kernels });
      const surroundings = { device, find: (value: Value) => within(find(value)), planOf, histories: this.#histories };
      this.#setup = program.setup.map((stage) => this.#bind(stage, find, isConstant));
      this.#steps = program.stages.map((stage) => {
        if (!stage.control) return this.#bind(stage, find, isConstant);
        const step = stepOf(stage, surroundings);
        this.#controls.push(step);
        return step;
      });
      this.#fetches = program.fetches.map(find);
      this.#commits = program.commits.map(({ variable, value }) => [find(variable), find(value)]);
      this.#needed = this.#bound();
      this.#shareScratch();
    } catch (error) {
      this.free();
      throw error;
    }
  }

  #allocate(bytes: number): Cell {
    const cell = { buffer: this.#device.alloc(bytes) };
    this.#own.push(cell);
    return cell;
  }

  #bind({ nodes, problem, bind }: KernelStage, find: (value: Value) => Cell, isConstant: (value: Value) => boolean): BoundLaunch {
    const names = Object.keys(bind);
    const launch = this.#launch(
      problem,
      names.filter((name) => isConstant(bind[name])),
    );
    const report = {
      nodes: nodes.map(({ name }) => name),
      kernel: `${problem.op}/${launch.kernel.name}`,
      inPlace: (problem.op === 'pointwise' && problem.inPlace !== undefined) || (problem.op === 'matmul' && problem.accumulate === true),
      cost: launch.kernel.cost(problem, launch.tunables),
    };
    return { launch, names, cells: Object.values(bind).map(find), operands: {}, report };
  }

  #launch(problem: Problem, constants: readonly string[]): Launch {
    const wanted = kernelsFor(problem.op, this.#device.kind).find(
      (kernel) => this.#kernels.includes(kernel.name) && refusal(kernel, problem, this.#device) === undefined,
    );
    const best = () => choose(problem, this.#device, { constants, kernel: wanted?.name });
    const launch = launched(
      best(),
      best,
      ({ kernel, tunables }) =>
        new Launch(this.#device, generatedOnce(this.#device, kernel), problem, tunables, { constants, borrows: true }),
    );
    this.#launches.push(launch);
    return launch;
  }

  /** Allocates the workspaces that launches use in turn: one for the largest of each, one for the second largest, and so on. */
  #shareScratch(): void {
    const bound = [...this.#setup, ...this.#steps].filter((step) => 'launch' in step);
    const wanted = bound.map(({ launch }) => Object.entries(launch.scratch).sort(([, a], [, b]) => b - a));
    const bytes: number[] = [];
    for (const each of wanted) for (const [i, [, size]] of each.entries()) bytes[i] = Math.max(bytes[i] ?? 0, size);
    for (const size of bytes) this.#scratch.push(this.#device.alloc(size));
    for (const [at, { operands }] of bound.entries()) for (const [i, [name]] of wanted[at].entries()) operands[name] = this.#scratch[i];
  }

  /** Bytes of the plan's own buffers, those of its subgraphs and workspaces of kernels included. */
  get bytes(): number {
    const own = [...this.#own.map(({ buffer }) => buffer), ...this.#scratch].reduce((sum, { bytes }) => sum + bytes, 0);
    return [...this.#launches, ...this.#controls, ...this.#histories.values()].reduce((sum, { bytes }) => sum + bytes, own);
  }

  /** The kernels that the last run dispatched, in order; those of subgraphs stand after their conditional or loop. */
  get kernels(): KernelReport[] {
    return this.#steps.flatMap((step) =>
      'launch' in step ? [{ ...step.report, runs: this.#runs, ns: step.ns }] : step.report(this.#runs),
    );
  }

  /** Whether it has run, so that launches have made what they keep of constants. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Whether a run to come reads or writes what a cell holds. */
  needs(cell: Cell): boolean {
    return this.#needed.has(cell);
  }

  /** The cells that launches still to run read or write, or that are read or exchanged after them. */
  #bound(): Set<Cell> {
    const launches = [...this.#setup, ...this.#steps].filter((step) => 'launch' in step);
    const bound = ({ launch, names, cells }: BoundLaunch): Cell[] =>
      this.#isSettled ? cells.filter((_, i) => launch.reads(names[i])) : [...cells];
    return new Set([...launches.flatMap(bound), ...this.#within, ...this.#fetches, ...this.#commits.flat()]);
  }

  /** Frees what nothing needs any more. */
  #release(): void {
    this.#needed = this.#bound();
    for (const { buffer } of this.#own.filter((cell) => !this.needs(cell))) this.#device.free(buffer);
    this.#own = this.#own.filter((cell) => this.needs(cell));
  }

  /** Waits until everything is compiled, then computes what depends on constants only. */
  async prepare(): Promise<void> {
    await Promise.all(this.#launches.map(({ ready }) => ready));
    await Promise.all(this.#controls.map((control) => control.prepare()));
    for (const launch of this.#setup) runLaunch(launch);
    const once = new Set(this.#setup.map(({ launch }) => launch));
    for (const launch of once) launch.free();
    this.#launches = this.#launches.filter((launch) => !once.has(launch));
    this.#setup = [];
    this.#release();
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

  /** The same with a span of the device for each kernel. */
  async executeTimed(ask: Ask): Promise<void> {
    this.#runs++;
    for (const step of this.#steps) {
      if ('launch' in step) step.ns = await this.#device.span(() => runLaunch(step));
      else await step.run(ask);
    }
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

  /** Gives variables their next values, and parameters their results; after the first run, frees what launches have packed for themselves. */
  commit(): void {
    for (const [variable, value] of this.#commits)
      if (variable.storage) this.#device.copy(value.buffer, variable.buffer);
      else [variable.buffer, value.buffer] = [value.buffer, variable.buffer];
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#release();
  }

  free(): void {
    for (const launch of this.#launches) launch.free();
    for (const held of [...this.#controls, ...this.#histories.values()]) held.free();
    for (const buffer of [...this.#own.map(({ buffer }) => buffer), ...this.#scratch]) this.#device.free(buffer);
    this.#launches = this.#own = this.#scratch = [];
    this.#controls.length = 0;
  }
}

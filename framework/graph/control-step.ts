// A control step runs the plans of a conditional's or loop's subgraphs, as predicates that the host reads say.
//
// States of a loop lie in its outputs' buffers: the body's results are committed to them as a run's are to variables.

import type { Buffer, Device } from '../../kernels/index.ts';
import { type Control, loopOf, PARTS, statesIn } from './control.ts';
import type { History } from './history.ts';
import type { GraphNode } from './node.ts';
import type { Cell, KernelReport, Plan } from './plan.ts';
import type { ControlStage, Program, Value } from './program.ts';

/** Reads a predicate. */
export type Ask = (predicate: Buffer, node: GraphNode) => Promise<boolean>;

/** What a control step is made of. */
export interface Surroundings {
  readonly device: Device;
  /** What holds a value of the program that the step is part of. */
  readonly find: (value: Value) => Cell;
  /** The plan of a subgraph whose parameters are held by `cells`. */
  readonly planOf: (program: Program, cells: ReadonlyMap<GraphNode, Cell>) => Plan;
  readonly histories: ReadonlyMap<Control, History>;
}

/** The step of a stage. Throws what making a plan throws. */
export function stepOf(stage: ControlStage, surroundings: Surroundings): ControlStep {
  const kinds = { cond: CondStep, while: LoopStep, unwind: UnwindStep };
  return new kinds[stage.control.kind](stage, surroundings);
}

const copyCell = (device: Device, from: Cell, to: Cell, bytes: number): void => device.copy(from.buffer, to.buffer, 0, 0, bytes);

export abstract class ControlStep {
  protected readonly device: Device;
  protected readonly stage: ControlStage;
  protected readonly plans: Plan[] = [];
  /** By name: all of them are found at once, so that the plan around knows what it must keep. */
  readonly #cells: ReadonlyMap<string, Cell>;

  /** `more` are cells of parameters that are neither operands nor outputs. */
  constructor(stage: ControlStage, { device, find, planOf }: Surroundings, more: ReadonlyMap<GraphNode, Cell> = new Map()) {
    this.device = device;
    this.stage = stage;
    this.#cells = new Map(Object.entries(stage.bind).map(([name, value]) => [name, find(value)]));
    const cells = new Map([...more, ...[...stage.names].map(([parameter, name]) => [parameter, this.cell(name)] as const)]);
    try {
      for (const program of stage.programs) this.plans.push(planOf(program, cells));
    } catch (error) {
      this.free();
      throw error;
    }
  }

  abstract run(ask: Ask): Promise<void>;

  get bytes(): number {
    return this.plans.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async prepare(): Promise<void> {
    await Promise.all(this.plans.map((plan) => plan.prepare()));
  }

  recount(): void {
    for (const plan of this.plans) plan.recount();
  }

  report(runs: number): KernelReport[] {
    const { nodes, control } = this.stage;
    const own = { nodes: nodes.map(({ name }) => name), kernel: control.kind, inPlace: false, runs };
    const within = (part: string, inner?: string) => [`${nodes[0].name}.${part}`, ...(inner ? [inner] : [])].join(' ');
    const inside = this.plans.map((plan, i) =>
      plan.kernels.map((each) => ({ ...each, within: within(PARTS[control.kind][i], each.within) })),
    );
    return [own, ...inside.flat()];
  }

  free(): void {
    for (const plan of this.plans) plan.free();
  }

  /** What holds an operand or output. */
  protected cell(name: string): Cell {
    return this.#cells.get(name)!;
  }

  /** The outputs' cells, or the first `count` of them. */
  protected outputs(count = this.stage.nodes.length): Cell[] {
    return Array.from({ length: count }, (_, i) => this.cell(`out${i}`));
  }

  /** Runs the plan of a subgraph and commits its results: at once where it has no predicate to wait for. */
  protected take(plan: Plan, ask: Ask): Promise<void> | undefined {
    const deciding = plan.execute(ask);
    if (deciding) return deciding.then(() => plan.commit());
    plan.commit();
    return undefined;
  }

  /** Gives the first outputs the bytes of the operands from number `first` on. */
  protected begin(first: number, count: number): void {
    for (let i = 0; i < count; i++)
      copyCell(this.device, this.cell(`in${first + i}`), this.cell(`out${i}`), this.stage.bind[`out${i}`].bytes);
  }
}

class CondStep extends ControlStep {
  async run(ask: Ask): Promise<void> {
    const isTaken = await ask(this.cell('in0').buffer, this.stage.control.operands[0]);
    const plan = this.plans[isTaken ? 0 : 1];
    await this.take(plan, ask);
  }
}

class LoopStep extends ControlStep {
  readonly #history: History | undefined;

  constructor(stage: ControlStage, surroundings: Surroundings) {
    super(stage, surroundings);
    this.#history = surroundings.histories.get(stage.control);
  }

  override async prepare(): Promise<void> {
    await super.prepare();
    this.#history?.reserve(this.stage.control.maxIterations ?? 0, this.outputs());
  }

  async run(ask: Ask): Promise<void> {
    const { control, nodes } = this.stage;
    const [condition, body] = this.plans;
    const [predicate] = control.subgraphs[0].results;
    const states = this.outputs();
    const most = control.maxIterations ?? Number.POSITIVE_INFINITY;
    this.begin(0, nodes.length);
    if (this.#history) this.#history.length = 0;
    for (let iteration = 0; iteration < most; iteration++) {
      const deciding = condition.execute(ask);
      if (deciding) await deciding;
      if (!(await ask(condition.fetched(0), predicate))) return;
      this.#history?.keep(states);
      const going = this.take(body, ask);
      if (going) await going;
    }
  }
}

class UnwindStep extends ControlStep {
  readonly #history: History;
  /** Of the states that the history has, in its order: each iteration finds its own there. */
  readonly #states: readonly Cell[];

  constructor(stage: ControlStage, surroundings: Surroundings) {
    const history = surroundings.histories.get(loopOf(stage.control))!;
    const states = history.states.map(() => ({ buffer: { bytes: 0 } }));
    const { parameters } = stage.control.subgraphs[0];
    super(stage, surroundings, new Map(history.states.map((state, i) => [parameters[state], states[i]])));
    this.#history = history;
    this.#states = states;
  }

  async run(ask: Ask): Promise<void> {
    const { control, nodes } = this.stage;
    const loop = loopOf(control);
    const first = 1 + loop.operands.length - statesIn(loop);
    const given = control.operands.length - first;
    this.begin(first, given);
    // Gradients of captures are added up.
    for (const { buffer } of this.outputs().slice(given, nodes.length)) this.device.fill(buffer, 0);
    for (let iteration = this.#history.length - 1; iteration >= 0; iteration--) {
      this.#history.of(iteration).forEach((buffer, i) => {
        this.#states[i].buffer = buffer;
      });
      const going = this.take(this.plans[0], ask);
      if (going) await going;
    }
  }
}

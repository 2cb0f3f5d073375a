// A session runs graphs on a device: it keeps their variables there from run to run, and a plan for each set of fetches.
//
// Two sessions over one graph have variables of their own. All that a run computes from a variable sees its value from before the run.

import { type Buffer, bytesPerElement, type Device, DeviceError, invalidated, type Values, valuesIn } from '../../kernels/index.ts';
import { deviceAt, type Place } from '../devices.ts';
import { denseBytes } from '../launches.ts';
import { sizeOf } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import { checkAnomaly, watched } from './anomaly.ts';
import type { Ask } from './control-step.ts';
import { type Feeds, fedValues } from './feeds.ts';
import { GraphNode, Group, parentsOf } from './node.ts';
import { inOrder } from './order.ts';
import { type Cell, type KernelReport, Plan } from './plan.ts';
import { compileGraph, REWRITES, type Rewrite, type RewriteCounts } from './rewrite.ts';

/** What can be asked of a run. */
export type Fetch = GraphNode | Group;

/** What a fetch gives: the number of a node of shape [], the elements of others in row-major order, nothing of a group. */
export type Fetched<F> = F extends Group
  ? undefined
  : F extends GraphNode
    ? number | Values
    : F extends readonly unknown[]
      ? { -readonly [I in keyof F]: Fetched<F[I]> }
      : never;

export interface SessionOptions {
  /** An open device or its kind; the first that was opened if absent. */
  readonly device?: Place;
  /** Rewrites that are switched off by `false`; all are on if absent. */
  readonly rewrites?: Partial<Record<Rewrite, boolean>>;
  /** Names of kernels, such as `naive`: what one of them can do, it does; the rest is chosen as always. */
  readonly kernels?: readonly string[];
  /**
   * Reads back every node of each run, and has the run reject with the first that has a NaN; what the run assigns is assigned. For finding faults: it is
   * slow, and rewrites find little.
   */
  readonly detectAnomaly?: boolean;
}

export interface RunOptions {
  /** Has the device time each kernel by itself, for `report()`; the run takes longer by that. */
  readonly timed?: boolean;
}

/** Bytes that went from host to device or back, and the host's time until they were there. */
export interface Crossing {
  readonly direction: 'host to device' | 'device to host';
  readonly node: string;
  readonly bytes: number;
  readonly ns: number;
}

/** What the last run did. */
export interface StepReport {
  readonly kernels: readonly KernelReport[];
  readonly crossings: readonly Crossing[];
  /** How often each rewrite found something in the fetched graph. */
  readonly rewrites: RewriteCounts;
  /** Device bytes of the plan besides placeholders, variables and constants. */
  readonly planBytes: number;
}

interface Prepared {
  readonly plan: Plan;
  readonly counts: RewriteCounts;
  readonly placeholders: readonly GraphNode[];
  /** Variables that a run gives new values. */
  readonly assigned: readonly GraphNode[];
}

const nodesIn = (fetch: Fetch): GraphNode[] => (fetch instanceof Group ? fetch.members.flatMap(nodesIn) : [fetch]);

export class Session {
  readonly device: Device;
  readonly #rewrites: Record<Rewrite, boolean>;
  readonly #kernels: readonly string[] | undefined;
  readonly #detectsAnomaly: boolean;
  readonly #cells = new Map<GraphNode, Cell>();
  readonly #prepared = new Map<string, Promise<Prepared>>();
  readonly #plans = new Set<Plan>();
  /** What the last run's report is made of. */
  #last: { readonly plan: Plan; readonly counts: RewriteCounts; readonly crossings: readonly Crossing[] } | undefined;
  /** Settles when the run that was asked for last has ended: runs take turns. */
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  /** Throws a DeviceError where the device is not open. */
  constructor({ device, rewrites = {}, kernels, detectAnomaly = false }: SessionOptions = {}) {
    this.device = deviceAt(device);
    this.#detectsAnomaly = detectAnomaly;
    this.#kernels = kernels;
    const unknown = Object.keys(rewrites).find((name) => !REWRITES.includes(name as Rewrite));
    if (unknown !== undefined) throw new TypeError(`session: there is no rewrite ${unknown}; there are ${REWRITES.join(', ')}`);
    this.#rewrites = Object.fromEntries(REWRITES.map((name) => [name, rewrites[name] ?? true])) as Record<Rewrite, boolean>;
  }

  /**
   * Computes what the fetches need, and no more; the first run of a set of fetches compiles it.
   *
   * Rejects with a TypeError or RangeError for a missing or wrong feed, with the device's error where a kernel fails.
   */
  async run<const F extends Fetch | readonly Fetch[]>(
    fetches: F,
    feeds: Feeds = [],
    { timed = false }: RunOptions = {},
  ): Promise<Fetched<F>> {
    const { list, roots, read } = this.#asked('run', fetches);
    const crossings: Crossing[] = [];
    const prepared = await this.#planOf(roots, read, crossings);
    const reading = await this.#inTurn(async () => {
      this.#assertOpen();
      this.#feed(prepared.placeholders, feeds, list, crossings);
      await this.#execute(prepared.plan, crossings, timed);
      const begun = read.map((node, i) => this.#read(prepared.plan.fetched(i), node, crossings));
      const isFirst = !prepared.plan.isSettled;
      prepared.plan.commit();
      this.#noteChanges(prepared.assigned);
      if (isFirst) this.#releaseConstants();
      this.device.submit();
      // What follows need not wait for the host to have read.
      return begun;
    });
    // Without a fetch to wait for, runs would queue up faster than the device does them.
    if (reading.length === 0) await this.device.sync();
    const values = await Promise.all(reading);
    if (this.#detectsAnomaly) checkAnomaly(read, values);
    const { plan, counts } = prepared;
    this.#last = { plan, counts, crossings };
    const results = list.map((fetch) => (fetch instanceof GraphNode ? values.shift() : undefined));
    return (Array.isArray(fetches) ? results : results[0]) as Fetched<F>;
  }

  /**
   * Makes everything ready that runs of these fetches need: their first run compiles and allocates nothing any more, apart from room for the gradient of a
   * loop that has no `maxIterations`.
   *
   * Rejects with a RangeError where no kernel can do an op.
   */
  async prepare(fetches: Fetch | readonly Fetch[]): Promise<void> {
    const { roots, read } = this.#asked('prepare', fetches);
    const { placeholders } = await this.#planOf(roots, read, []);
    await this.#inTurn(async () => {
      this.#assertOpen();
      for (const node of placeholders) this.#cellOf(node, []);
    });
  }

  /** The nodes that fetches ask for, and those of them that the host reads. Throws a TypeError for what is neither node nor group. */
  #asked(
    who: string,
    fetches: Fetch | readonly Fetch[],
  ): { list: readonly Fetch[]; roots: readonly GraphNode[]; read: readonly GraphNode[] } {
    this.#assertOpen();
    const list = (Array.isArray(fetches) ? fetches : [fetches]) as Fetch[];
    const bad = list.findIndex((fetch) => !(fetch instanceof GraphNode || fetch instanceof Group));
    if (bad >= 0) throw new TypeError(`${who}: fetch ${bad} is ${list[bad]}, expected a node of a graph or a group of them`);
    const roots = list.flatMap(nodesIn);
    const read = list.filter((fetch) => fetch instanceof GraphNode);
    return { list, roots, read: this.#detectsAnomaly ? [...read, ...watched(roots)] : read };
  }

  /** Runs `work` after the runs that were asked for before it have ended. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  /** Dispatches a plan, and reads the predicates that it asks for. */
  #execute(plan: Plan, crossings: Crossing[], timed: boolean): Promise<void> | undefined {
    plan.recount();
    const ask: Ask = async (buffer, node) => {
      const value = await this.#read(buffer, node, crossings);
      return (typeof value === 'number' ? value : value[0]) !== 0;
    };
    return timed ? plan.executeTimed(ask) : plan.execute(ask);
  }

  /** Each kernel of the last run with the nodes it computed, and each crossing between host and device. Throws before the first run. */
  report(): StepReport {
    if (!this.#last) throw new Error('report: the session has run nothing yet; call it after run(..)');
    const { plan, counts, crossings } = this.#last;
    return { kernels: plan.kernels, crossings, rewrites: counts, planBytes: plan.bytes };
  }

  /** Gives back all that the session holds on its device, its variables included. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#turn;
    for (const outcome of await Promise.allSettled(this.#prepared.values())) if (outcome.status === 'fulfilled') outcome.value.plan.free();
    for (const cell of this.#cells.values()) this.#release(cell);
    this.#cells.clear();
    this.#prepared.clear();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #planOf(roots: readonly GraphNode[], read: readonly GraphNode[], crossings: Crossing[]): Promise<Prepared> {
    const key = `${roots.map(({ id }) => id)}/${read.map(({ id }) => id)}`;
    let found = this.#prepared.get(key);
    if (!found) {
      this.#prepared.set(key, (found = this.#prepare(roots, read, crossings)));
      // A failure is not kept: the next run tries again.
      found.catch(() => this.#prepared.delete(key));
    }
    return found;
  }

  async #prepare(roots: readonly GraphNode[], read: readonly GraphNode[], crossings: Crossing[]): Promise<Prepared> {
    const { program, counts } = compileGraph({ roots, fetched: read, results: [] }, this.#rewrites, this.device);
    const plan = new Plan(this.device, program, { cellOf: (source) => this.#cellOf(source, crossings), kernels: this.#kernels });
    this.#plans.add(plan);
    const failures = invalidated();
    try {
      await plan.prepare();
    } catch (error) {
      this.#plans.delete(plan);
      plan.free();
      // A program that the tuned table had proposed did not compile: chosen again, it is another. Each time there are fewer to choose from.
      if (invalidated() > failures) return this.#prepare(roots, read, crossings);
      throw error;
    }
    this.#releaseConstants();
    const order = inOrder(roots, parentsOf);
    const placeholders = order.filter(({ definition }) => definition.kind === 'placeholder');
    const assigned = order.flatMap(({ definition }) => (definition.kind === 'assign' ? [definition.variable] : []));
    return { plan, counts, placeholders, assigned };
  }

  /** The buffer of a placeholder, a variable or a constant, with its first value. */
  #cellOf(node: GraphNode, crossings: Crossing[]): Cell {
    if (node.definition.kind === 'parameter')
      throw new TypeError(`run: ${node} exists only inside of a loop or branch; fetch a result of the cond(..) or whileLoop(..) instead`);
    let cell = this.#cells.get(node);
    if (!cell) {
      const { definition } = node;
      const values = definition.kind === 'variable' || definition.kind === 'constant' ? definition.values : undefined;
      cell = values instanceof Tensor ? this.#shared(node, values) : { buffer: this.device.alloc(denseBytes(node)) };
      this.#cells.set(node, cell);
      if (values && !(values instanceof Tensor)) this.#write(cell, node, values, crossings);
    }
    return cell;
  }

  /** The cell of a node that is a tensor: its bytes live as long as either needs them. */
  #shared(node: GraphNode, tensor: Tensor): Cell {
    if (tensor.isDisposed)
      throw new ReferenceError(`session: ${node} is a tensor that was disposed; dispose of it when no session needs it any more`);
    if (tensor.device !== this.device)
      throw new DeviceError(
        `session: ${node} is a tensor on ${tensor.device.kind}, the session runs on ${this.device.kind}; move it with to(..)`,
      );
    const storage = tensor.storage.retain();
    return { buffer: storage.buffer, storage };
  }

  /** Has the tape notice that tensors it may have kept were changed. */
  #noteChanges(assigned: readonly GraphNode[]): void {
    for (const variable of assigned) {
      const storage = this.#cells.get(variable)?.storage;
      if (storage) storage.version++;
    }
  }

  /** Gives back constants that no plan reads any more, such as filters that others were computed from; a later plan finds them in the graph. */
  #releaseConstants(): void {
    for (const [node, cell] of this.#cells) {
      if (node.definition.kind !== 'constant' || [...this.#plans].some((plan) => plan.needs(cell))) continue;
      this.#release(cell);
      this.#cells.delete(node);
    }
  }

  #release({ buffer, storage }: Cell): void {
    if (storage) storage.release();
    else this.device.free(buffer);
  }

  #write({ buffer }: Cell, { name }: GraphNode, values: Values, crossings: Crossing[]): void {
    const start = performance.now();
    this.device.write(buffer, values);
    crossings.push({ direction: 'host to device', node: name, bytes: values.byteLength, ns: (performance.now() - start) * 1e6 });
  }

  async #read(buffer: Buffer, node: GraphNode, crossings: Crossing[]): Promise<number | Values> {
    const elements = sizeOf(node.shape);
    const bytes = elements * bytesPerElement(node.dtype);
    const start = performance.now();
    const values = valuesIn({ elements, dtype: node.dtype }, await this.device.read(buffer, 0, bytes));
    crossings.push({ direction: 'device to host', node: node.name, bytes, ns: (performance.now() - start) * 1e6 });
    return node.shape.length === 0 ? values[0] : values;
  }

  /** Writes the feeds that the run needs. Throws where one is missing, does not fit, or is for no placeholder. */
  #feed(placeholders: readonly GraphNode[], feeds: Feeds, fetches: readonly Fetch[], crossings: Crossing[]): void {
    const values = fedValues(placeholders, feeds, () =>
      fetches.map((fetch) => (fetch instanceof Group ? 'a group' : fetch.name)).join(', '),
    );
    placeholders.forEach((node, i) => this.#write(this.#cellOf(node, crossings), node, values[i], crossings));
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error('session: it was closed, and its variables are gone; make another one');
  }
}

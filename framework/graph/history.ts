// A history holds the states that a loop began its iterations with, for the gradient that goes through them backwards: buffers that are kept from run to run.

import type { Buffer, Device } from '../../kernels/index.ts';
import { type Control, loopOf, statesIn } from './control.ts';
import type { Cell } from './plan.ts';
import type { Stage } from './program.ts';

export class History {
  /** Which states are kept. */
  readonly states: readonly number[];
  /** Iterations of the last run. */
  length = 0;
  readonly #device: Device;
  readonly #iterations: Buffer[][] = [];

  constructor(device: Device, states: readonly number[]) {
    this.#device = device;
    this.states = states;
  }

  get bytes(): number {
    return this.#iterations.flat().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Makes room for so many iterations of `cells`, the loop's states. */
  reserve(iterations: number, cells: readonly Cell[]): void {
    while (this.#iterations.length < iterations)
      this.#iterations.push(this.states.map((state) => this.#device.alloc(cells[state].buffer.bytes)));
  }

  /** Copies the states of another iteration. */
  keep(cells: readonly Cell[]): void {
    this.reserve(this.length + 1, cells);
    const kept = this.#iterations[this.length++];
    this.states.forEach((state, i) => {
      this.#device.copy(cells[state].buffer, kept[i], 0, 0, kept[i].bytes);
    });
  }

  /** The kept states of an iteration, in the order of `states`. */
  of(iteration: number): readonly Buffer[] {
    return this.#iterations[iteration];
  }

  free(): void {
    for (const buffer of this.#iterations.flat()) this.#device.free(buffer);
    this.#iterations.length = 0;
  }
}

/** Histories of the loops whose gradients are among `stages`, with the states that those read. */
export function historiesOf(device: Device, stages: readonly Stage[]): Map<Control, History> {
  const read = new Map<Control, Set<number>>();
  for (const { control, programs } of stages.filter((stage) => stage.control?.kind === 'unwind') as Extract<
    Stage,
    { programs: unknown }
  >[]) {
    const loop = loopOf(control);
    const values = programs[0].stages.flatMap(({ bind }) => Object.values(bind)).concat(programs[0].commits.map(({ value }) => value));
    const sources = new Set(values.map(({ source }) => source));
    const states = control.subgraphs[0].parameters.slice(0, statesIn(loop));
    const known = read.get(loop) ?? new Set();
    read.set(loop, known);
    for (const [i, state] of states.entries()) if (sources.has(state)) known.add(i);
  }
  return new Map([...read].map(([loop, states]) => [loop, new History(device, [...states])]));
}

// The tape is how backward finds its way: each tensor that depends on one with requiresGrad holds the node of the op that made it, and a node its operands.
//
// A node lives as long as a tensor or a later node uses it. What it keeps of its operands and output are handles of its own, so that tensors can be disposed
// at any time; it lets go of them after `backward`, or when nobody can reach it any more.

import { specText } from './layout.ts';
import type { Attributes, Call, Op, Operand } from './op.ts';
import type { Storage } from './storage.ts';
import type { Tensor } from './tensor.ts';

/** What the tape needs of an op: its name, what its gradient reads, and the gradient. A custom function has no more than this. */
export type Differentiable = Pick<Op, 'name' | 'keeps' | 'gradient'>;

let paused = 0;

/** Whether ops are being recorded now. */
export const isRecording = (): boolean => paused === 0;

/** Runs `work`, which may be async, without recording: nothing made in it can be differentiated. */
export function noGrad<T>(work: () => T): T {
  paused++;
  let result: T;
  try {
    result = work();
  } catch (error) {
    paused--;
    throw error;
  }
  if (result instanceof Promise) return result.finally(() => paused--) as T;
  paused--;
  return result;
}

/** Nodes whose last user has gone, the first of them being taken apart. */
const dying: Node[] = [];

/** One op that was applied, or a leaf: a tensor that was made with requiresGrad. */
export class Node {
  /** Undefined at a leaf. */
  readonly op: Differentiable | undefined;
  /** What `backward` has accumulated; only a leaf has it. */
  gradient: Tensor | undefined;
  readonly #attributes: Attributes;
  #operands: readonly Operand<Tensor>[];
  #output: Tensor | undefined;
  readonly #kept: readonly { readonly storage: Storage; readonly version: number }[];
  #users = 1;

  constructor(op?: Differentiable, operands: readonly Operand<Tensor>[] = [], attributes: Attributes = {}, output?: Tensor) {
    const keeps = op?.keeps ?? ['inputs', 'output'];
    this.op = op;
    this.#attributes = attributes;
    this.#operands = operands.map((operand) => (typeof operand === 'number' ? operand : operand.handle(keeps.includes('inputs'))));
    this.#output = output?.handle(keeps.includes('output'));
    // The output's handle names this node without using it: a node must not keep itself alive.
    if (this.#output) this.#output.node = this;
    this.#kept = [...this.#operands, this.#output]
      .filter((each) => typeof each === 'object' && !each.isDisposed)
      .map((each) => ({ storage: (each as Tensor).storage, version: (each as Tensor).storage.version }));
  }

  /** The node that the gradient of each operand flows to; undefined where it flows nowhere. */
  get parents(): readonly (Node | undefined)[] {
    return this.#operands.map((operand) => (typeof operand === 'number' ? undefined : operand.node));
  }

  /** `exp(f32[2,3])`: the op and its operands, as messages name them. */
  get text(): string {
    return `${this.op?.name}(${this.#operands.map((operand) => (typeof operand === 'number' ? operand : specText(operand))).join(', ')})`;
  }

  get isFreed(): boolean {
    return this.op !== undefined && this.#output === undefined;
  }

  /** The call as the op's gradient takes it. Throws where what was kept for it has been changed in place. */
  get call(): Call<Tensor, Attributes> {
    if (this.#kept.some(({ storage, version }) => storage.version !== version))
      throw new Error(`backward: a tensor that ${this.op!.name} kept was changed in place; call backward before the optimizer's step`);
    const needs = this.#operands.map((operand) => typeof operand !== 'number' && operand.node !== undefined);
    return { operands: this.#operands, output: this.#output!, attributes: this.#attributes, needs };
  }

  retain(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users > 0) return;
    dying.push(this);
    // Not by recursion: a recurrent net's tape is thousands of nodes deep.
    if (dying.length === 1) for (let i = 0; i < dying.length; i++) dying[i].#die();
    if (dying[0] === this) dying.length = 0;
  }

  #die(): void {
    this.gradient?.dispose();
    this.gradient = undefined;
    this.free();
  }

  /** Lets go of everything kept for the gradient. */
  free(): void {
    const operands = this.#operands;
    this.#operands = [];
    if (this.#output) {
      this.#output.node = undefined;
      this.#output.dispose();
      this.#output = undefined;
    }
    for (const operand of operands) if (typeof operand !== 'number') operand.dispose();
  }
}

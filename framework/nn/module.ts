// A module is a part of a net: parameters, modules inside it, and mostly a `forward` of its own form. What it holds is found among its own properties, under their names.

import type { Place } from '../devices.ts';
import { specText } from '../layout.ts';
import { disown } from '../scope.ts';
import { equalShapes } from '../shape.ts';
import { noGrad } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { assign } from '../update.ts';

/** Tensors by their path: `layers.0.weight`. */
export type StateDict = Readonly<Record<string, Tensor>>;

/** A tensor that a module holds, at the property it lies in. */
interface Holding {
  readonly path: string;
  readonly owner: Record<string, unknown>;
  readonly key: string;
  readonly tensor: Tensor;
}

/** What a module holds, in the order of its properties. For the framework's own use. */
export function holdingsOf(owner: object, prefix = ''): Holding[] {
  return Object.entries(owner).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    if (value instanceof Tensor) return [{ path, owner: owner as Record<string, unknown>, key, tensor: value }];
    return value instanceof Module || Array.isArray(value) ? holdingsOf(value, `${path}.`) : [];
  });
}

function* modulesOf(owner: object): Generator<Module> {
  for (const value of Object.values(owner)) {
    if (value instanceof Module) yield value;
    if (value instanceof Module || Array.isArray(value)) yield* modulesOf(value);
  }
}

export abstract class Module {
  /** Whether dropout drops and batch statistics are taken; see `train` and `eval`. */
  training = true;

  /** Sets training here and in every module inside. */
  train(training = true): this {
    this.training = training;
    for (const inner of modulesOf(this)) inner.training = training;
    return this;
  }
  /** The opposite of `train`: for using the net. */
  eval(): this {
    return this.train(false);
  }

  /** Tensors with a gradient, here and inside, in the order they were made; a shared one once. */
  parameters(): Tensor[] {
    return [...new Set(holdingsOf(this).map(({ tensor }) => tensor))].filter(({ requiresGrad }) => requiresGrad);
  }

  /** The same by their paths; a shared one under each of them. */
  namedParameters(): StateDict {
    return Object.fromEntries(Object.entries(this.stateDict()).filter(([, { requiresGrad }]) => requiresGrad));
  }

  /** Every tensor that the module holds, by its path; they stay the module's own. */
  stateDict(): StateDict {
    return Object.fromEntries(holdingsOf(this).map(({ path, tensor }) => [path, tensor]));
  }

  /** Copies values in, from tensors on the same device. Throws a RangeError that names what is missing, left over or of another shape, and changes nothing then. */
  loadStateDict(state: StateDict): void {
    const own = this.stateDict();
    const missing = Object.keys(own).filter((path) => !(path in state));
    const unknown = Object.keys(state).filter((path) => !(path in own));
    if (missing.length + unknown.length > 0)
      throw new RangeError(
        `loadStateDict: missing [${missing.join(', ')}], unknown [${unknown.join(', ')}]; expected the paths of stateDict()`,
      );
    for (const [path, tensor] of Object.entries(own))
      if (!equalShapes(tensor.shape, state[path].shape) || tensor.dtype !== state[path].dtype)
        throw new RangeError(`loadStateDict: ${path} is ${specText(state[path])}, expected ${specText(tensor)}`);
    noGrad(() => {
      for (const [path, tensor] of Object.entries(own)) assign(tensor, state[path]);
    });
  }

  /** Moves every tensor to a device; make the optimizer afterwards, since it holds on to the tensors it was given. */
  async to(place: Place): Promise<this> {
    const moved = new Map<Tensor, Tensor>();
    for (const { owner, key, tensor } of holdingsOf(this)) {
      const there = moved.get(tensor) ?? (await tensor.to(place));
      moved.set(tensor, there);
      owner[key] = held(there);
    }
    for (const [before, after] of moved) if (before !== after) before.dispose();
    return this;
  }

  /** Frees every tensor that the module holds. */
  dispose(): void {
    for (const { tensor } of holdingsOf(this)) tensor.dispose();
    for (const inner of modulesOf(this)) inner.dispose();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A module that turns one tensor into one. */
export interface Layer extends Module {
  forward(x: Tensor): Tensor;
}

/** A tensor that belongs to a module from now on: no scope frees it. */
export function held(tensor: Tensor): Tensor {
  disown(tensor);
  return tensor;
}

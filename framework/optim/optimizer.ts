// An optimizer changes parameters in place by their gradients. Its state lies beside them on their device, and each update is one fused kernel.
//
// What changes from step to step (learning rate, bias corrections) travels in one small tensor, so that no step compiles anything.

import { zeros } from '../create.ts';
import type { UpdateOp } from '../op.ts';
import { disown, scope } from '../scope.ts';
import { noGrad } from '../tape.ts';
import type { Tensor } from '../tensor.ts';
import { rule, update, updateOp } from '../update.ts';
import { checkSetting, type Descent } from './descent.ts';

export interface OptimizerOptions {
  /** Learning rate, in units of the parameters per unit of gradient. */
  readonly lr: number;
}

export class Optimizer {
  readonly parameters: readonly Tensor[];
  /** May be changed between steps, by a schedule. */
  lr: number;
  readonly #corrected: readonly number[];
  readonly #slots: readonly { readonly name: string; readonly next: UpdateOp }[];
  readonly #descend: UpdateOp;
  #steps = 0;
  #state = new Map<Tensor, Map<string, Tensor>>();
  #settings = new Map<Tensor['device'], { readonly tensor: Tensor; readonly parts: readonly Tensor[]; values: string }>();

  /** Throws a TypeError where there is nothing to optimize, or something without requiresGrad. */
  constructor(parameters: Iterable<Tensor>, lr: number, { name, slots, corrected, step }: Descent) {
    this.parameters = [...parameters];
    this.lr = lr;
    checkSetting('optimizer', 'lr', lr);
    if (this.parameters.length === 0) throw new TypeError('optimizer: got no parameters; pass module.parameters()');
    const constant = this.parameters.findIndex((parameter) => !parameter.requiresGrad);
    if (constant >= 0) throw new TypeError(`optimizer: parameter ${constant} has no gradient; make it with requiresGrad`);
    this.#corrected = corrected;
    this.#slots = Object.entries(slots).map(([slot, next]) => ({
      name: slot,
      next: updateOp(`${slot} of ${name}`, (old, parameter, gradient) => next(rule, old, parameter, gradient)),
    }));
    this.#descend = updateOp(name, (parameter, gradient, rate, ...others) => {
      const corrections = others.splice(0, corrected.length);
      return step(rule, parameter, gradient, others, rate, corrections);
    });
  }

  /** Steps made so far. */
  get steps(): number {
    return this.#steps;
  }

  /** One update of every parameter that has a gradient. */
  step(): void {
    this.#steps++;
    noGrad(() =>
      scope(() => {
        const values = [this.lr, ...this.#corrected.map((beta) => 1 / (1 - beta ** this.#steps))];
        for (const parameter of this.parameters)
          if (parameter.grad) this.#change(parameter, parameter.grad, this.#settingsOn(parameter.device, values));
      }),
    );
  }

  /** Forgets the gradients, so that the next backward starts from none. */
  zeroGrad(): void {
    for (const parameter of this.parameters) parameter.zeroGrad();
  }

  /** Frees the optimizer's state; the parameters stay. */
  dispose(): void {
    for (const slots of this.#state.values()) for (const slot of slots.values()) slot.dispose();
    for (const { tensor, parts } of this.#settings.values()) for (const each of [tensor, ...parts]) each.dispose();
    this.#state.clear();
    this.#settings.clear();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Updates one parameter; `settings` are tensors of one element: the rate and the corrections. */
  #change(parameter: Tensor, gradient: Tensor, settings: readonly Tensor[]): void {
    const slots = this.#slots.map(({ name, next }) => {
      const slot = this.#slot(parameter, name);
      update(next, slot, parameter, gradient);
      return slot;
    });
    update(this.#descend, parameter, gradient, ...settings, ...slots);
  }

  /** State of a parameter by name: of its shape, 0 at first. */
  #slot(parameter: Tensor, name: string): Tensor {
    let slots = this.#state.get(parameter);
    if (!slots) this.#state.set(parameter, (slots = new Map()));
    let slot = slots.get(name);
    if (!slot) {
      slot = owned(zeros(parameter.shape, { device: parameter.device, dtype: parameter.dtype }));
      slots.set(name, slot);
    }
    return slot;
  }

  #settingsOn(device: Tensor['device'], values: readonly number[]): readonly Tensor[] {
    let found = this.#settings.get(device);
    if (!found) {
      const tensor = owned(zeros([values.length], { device }));
      found = { tensor, parts: values.map((_, i) => owned(tensor.slice([i, i + 1]))), values: '' };
      this.#settings.set(device, found);
    }
    const text = values.join();
    if (found.values !== text) device.write(found.tensor.storage.buffer, Float32Array.from(values));
    found.values = text;
    return found.parts;
  }
}

/** A tensor that no scope frees: the optimizer does. */
function owned(tensor: Tensor): Tensor {
  disown(tensor);
  return tensor;
}

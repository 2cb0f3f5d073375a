// An op is what is computed, without saying how: a name, the rule of its output, its gradient in other ops, and the kernel problems that it comes down to.
//
// One table of ops serves both styles. An eager tensor runs an op at once, a graph's node keeps it for later: both are a Value, and every rule here is
// written on Values or on their specs. No op touches a device.

import type { Problem, Values } from '../kernels/index.ts';
import type { Layout, Spec } from './layout.ts';

/** What an op is told besides its inputs: axes, shapes, flags. Plain data, so that it can be a key and be saved. */
export type Attributes = Readonly<Record<string, unknown>>;

/** Something that ops are applied to: an eager tensor, or a node of a graph. */
export interface Value extends Spec {
  readonly style: Style;
}

/** How a kind of value answers an op. */
export interface Style {
  apply(op: Op, operands: readonly Operand<Value>[], attributes: Attributes): Value;
  /** Changes `target`: at once where it is a tensor, when the assignment is fetched where it is a graph's variable. */
  update(op: UpdateOp, target: Value, others: readonly Value[]): void;
}

/** A value, or a number that takes the dtype of the values beside it; only pointwise ops take numbers. */
export type Operand<V> = V | number;

/** One use of an op, as its gradient sees it. */
export interface Call<V, A> {
  readonly operands: readonly Operand<V>[];
  /** Elements of it only where the op keeps its output. */
  readonly output: V;
  readonly attributes: A;
  /** Which operands a gradient is asked for. */
  readonly needs: readonly boolean[];
}

/** One kernel problem of an op, and what each of its operands is bound to: see Lowering. */
export interface Step {
  readonly problem: Problem;
  /** By the problem's operand name: 0..n-1 an input, n the output, then temporaries, then constants. */
  readonly bind: Readonly<Record<string, number>>;
}

/** An op come down to kernel problems, run in order. */
export interface Lowering {
  readonly steps: readonly Step[];
  /** Bytes of each buffer that is needed only between the steps. */
  readonly temporaries?: readonly number[];
  /** Values that the steps read: written to the device once, when the op is prepared. */
  readonly constants?: readonly Values[];
}

/** Where a view's elements lie in its input's buffer. */
export interface View {
  readonly strides: readonly number[];
  readonly offset: number;
}

export interface Op<A extends Attributes = Attributes> {
  readonly name: string;
  /** What the gradient reads besides shapes; both where it is left out. What is not kept may be freed before `backward`. */
  readonly keeps?: readonly ('inputs' | 'output')[];
  /** The output's spec. Throws a RangeError or TypeError that names the op, the shapes and the remedy. */
  infer(inputs: readonly Operand<Spec>[], attributes: A): Spec;
  /** The output as a view of the first input, where it can be one: such an output costs nothing. */
  view?(input: Layout, output: Spec, attributes: A): View | undefined;
  /** The kernel problems. Not asked where `view` gave an answer. */
  lower(inputs: readonly Operand<Layout>[], output: Spec, attributes: A): Lowering;
  /** Gradients by operand, each of the operand's shape; undefined where none is needed or none is defined. Left out: not differentiable. */
  gradient?<V extends Value>(call: Call<V, A>, upstream: V): readonly (V | undefined)[];
}

/** A change of a value's elements by a rule, in both its forms. */
export interface UpdateOp {
  /** Gives the first operand's next elements, as any op gives its output. */
  readonly updated: Op;
  /** Puts them where the first operand lies: it has no output of its own. */
  readonly inPlace: Op;
}

/** Applies an op in the style of its values. Throws a TypeError where all operands are numbers. */
export function apply<V extends Value>(op: Op, operands: readonly Operand<V>[], attributes: Attributes = {}): V {
  for (const operand of operands) if (typeof operand === 'object') return operand.style.apply(op, operands, attributes) as V;
  throw new TypeError(`${op.name}: needs at least one tensor, got (${operands.join(', ')})`);
}

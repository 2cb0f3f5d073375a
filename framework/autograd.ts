// Backward: the chain rule along the tape, last op first. Each op's gradient is made of ops, so it runs on any device and can be differentiated again.

import { DeviceError } from '../kernels/index.ts';
import { full } from './create.ts';
import { record } from './eager.ts';
import { specText } from './layout.ts';
import type { Operand } from './op.ts';
import { add } from './ops/pointwise.ts';
import { own, scope } from './scope.ts';
import { equalShapes } from './shape.ts';
import { type Differentiable, type Node, noGrad } from './tape.ts';
import type { Tensor } from './tensor.ts';

export interface BackwardOptions {
  /** Keeps what the tape holds, for another backward through the same ops. */
  readonly retainGraph?: boolean;
}

export interface GradOptions extends BackwardOptions {
  /** Records the gradients' own ops, so that they can be differentiated; keeps the graph. */
  readonly createGraph?: boolean;
  /** The gradient of the output, for one with several elements. */
  readonly upstream?: Tensor;
}

/** Nodes that `root` depends on, itself last, each after those that it depends on. */
function inOrder(root: Node): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const stack: { node: Node; left: (Node | undefined)[] }[] = [];
  const enter = (node: Node) => {
    if (seen.has(node)) return;
    seen.add(node);
    stack.push({ node, left: node.parents.filter(Boolean) });
  };
  enter(root);
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const parent = top.left.pop();
    if (parent) enter(parent);
    else order.push(stack.pop()!.node);
  }
  return order;
}

/** The gradients of one op's operands, as handles that the caller owns. */
function gradientsOf(node: Node, upstream: Tensor): (Tensor | undefined)[] {
  const { op } = node;
  if (node.isFreed) throw new Error(`backward: ${op!.name} was freed by an earlier backward; pass { retainGraph: true } to that one`);
  if (!op!.gradient) throw new TypeError(`backward: ${node.text} is not differentiable; detach() its operands, or use another op`);
  const { call } = node;
  return scope(() => {
    const gradients = op!.gradient!(call, upstream).map((gradient, i) => (call.needs[i] ? gradient : undefined));
    const odd = gradients.findIndex((gradient, i) => gradient && !equalShapes(gradient.shape, (call.operands[i] as Tensor).shape));
    if (odd >= 0)
      throw new RangeError(
        `backward: ${op!.name} gave operand ${odd}, ${specText(call.operands[odd] as Tensor)}, the gradient ${specText(gradients[odd]!)}; expected its shape`,
      );
    return gradients.map((gradient) => gradient?.handle());
  });
}

/** One sum of two handles, which are disposed. */
function sum(a: Tensor | undefined, b: Tensor): Tensor {
  if (!a) return b;
  const total = scope(() => add<Tensor>(a, b).handle());
  a.dispose();
  b.dispose();
  return total;
}

function seedOf(root: Tensor, upstream: Tensor | undefined): Tensor {
  if (!root.node) {
    const isFloat = root.dtype === 'f32' || root.dtype === 'f16';
    const cause = isFloat ? 'or was made under noGrad' : `since gradients flow through f32 and f16 only, not through ${root.dtype}`;
    throw new TypeError(`backward: ${specText(root)} depends on nothing with requiresGrad, ${cause}`);
  }
  if (upstream && !equalShapes(upstream.shape, root.shape))
    throw new RangeError(`backward: upstream is ${specText(upstream)}, expected the shape of the output, ${specText(root)}`);
  if (upstream && upstream.device !== root.device)
    throw new DeviceError(`backward: upstream lives on ${upstream.device.kind}, the output on ${root.device.kind}`);
  if (!upstream && root.size !== 1)
    throw new RangeError(`backward: ${specText(root)} has ${root.size} elements; sum it to one, or give the gradient of each as upstream`);
  return upstream ? upstream.handle() : scope(() => full(root.shape, 1, { device: root.device, dtype: root.dtype }).handle());
}

/** Walks the tape from `root` and hands the whole gradient of every node to `take`, which owns it. */
function walk(root: Node, seed: Tensor, keepGraph: boolean, take: (node: Node, gradient: Tensor) => void): void {
  const order = inOrder(root);
  const pending = new Map<Node, Tensor>([[root, seed]]);
  // A node that only the tape knows must outlive those that lead to it.
  for (const node of order) node.retain();
  try {
    for (const node of order.toReversed()) {
      const upstream = pending.get(node);
      if (!upstream) continue;
      if (node.op) {
        const gradients = gradientsOf(node, upstream);
        node.parents.forEach((parent, i) => {
          const gradient = gradients[i];
          if (parent && gradient) pending.set(parent, sum(pending.get(parent), gradient));
        });
        if (!keepGraph) node.free();
      }
      pending.delete(node);
      take(node, upstream);
    }
  } finally {
    for (const gradient of pending.values()) gradient.dispose();
    for (const node of order) node.release();
  }
}

/** What `Tensor.backward` does. Throws a TypeError where nothing can be differentiated, a RangeError where shapes do not fit. */
export function backward(root: Tensor, upstream?: Tensor, { retainGraph = false }: BackwardOptions = {}): void {
  noGrad(() =>
    walk(root.node!, seedOf(root, upstream), retainGraph, (node, gradient) => {
      if (node.op) gradient.dispose();
      else node.gradient = sum(node.gradient, gradient);
    }),
  );
}

/** Gradients of `output` by each of `inputs`; their `grad` stays as it is. Throws a TypeError where the output does not depend on one of them. */
export function grad(output: Tensor, inputs: readonly Tensor[], options: GradOptions = {}): Tensor[] {
  const { createGraph = false, retainGraph = createGraph, upstream } = options;
  const found = new Map<Node, Tensor>();
  const wanted = new Set(inputs.map(({ node }) => node));
  const work = () =>
    walk(output.node!, seedOf(output, upstream), retainGraph, (node, gradient) => {
      if (wanted.has(node)) found.set(node, gradient);
      else gradient.dispose();
    });
  try {
    if (createGraph) work();
    else noGrad(work);
    const missing = inputs.findIndex(({ node }) => !node || !found.has(node));
    if (missing >= 0)
      throw new TypeError(`grad: the output does not depend on input ${missing}, ${specText(inputs[missing])}, or it has no requiresGrad`);
    const results = inputs.map(({ node }) => found.get(node!)!.handle());
    for (const result of results) own(result);
    return results;
  } finally {
    for (const gradient of found.values()) gradient.dispose();
  }
}

/** An op of the user's own: computed by `forward` from tensors, unseen by the tape, and differentiated by `backward`. */
export interface CustomFunction {
  readonly name: string;
  forward(...inputs: Tensor[]): Tensor;
  /** Gradients by input, undefined for those that have none; `needs` says which are asked for. */
  backward(
    call: { readonly inputs: readonly Tensor[]; readonly output: Tensor; readonly needs: readonly boolean[] },
    upstream: Tensor,
  ): readonly (Tensor | undefined)[];
}

/** A function on tensors with a backward of its own. */
export function customFunction({ name, forward, backward }: CustomFunction): (...inputs: Tensor[]) => Tensor {
  const op: Differentiable = {
    name,
    gradient: ({ operands, output, needs }, upstream) =>
      backward(
        { inputs: operands as unknown as readonly Tensor[], output: output as unknown as Tensor, needs },
        upstream as unknown as Tensor,
      ) as never,
  };
  return (...inputs) => {
    const output = scope(() => noGrad(() => forward(...inputs)));
    // An input returned as it came must not get this function's node in place of its own.
    const result = inputs.includes(output) || output.node ? output.detach() : output;
    record(op, inputs as readonly Operand<Tensor>[], {}, result);
    return result;
  };
}

// Rebuilding: a graph again, with other nodes in place of some. What does not change stays the same node.

import type { Operand } from '../op.ts';
import type { Control } from './control.ts';
import { type Definition, GraphNode, parentsOf } from './node.ts';
import { inOrder } from './order.ts';

export type OpDefinition = Extract<Definition, { kind: 'op' }>;

/** What takes the place of an op's node; `before` is the same node with the operands it had. */
export type Rule = (node: GraphNode, definition: OpDefinition, before: GraphNode) => GraphNode;

/** The graph of `roots` with `rule` applied to each op, whose operands have been replaced before; `stands` are replaced beforehand. */
export function rebuild(roots: readonly GraphNode[], rule: Rule, stands: ReadonlyMap<GraphNode, GraphNode> = new Map()): GraphNode[] {
  const replaced = new Map(stands);
  const controls = new Map<Control, Control>();
  const now = <V>(operand: V | GraphNode) => (operand instanceof GraphNode ? replaced.get(operand)! : operand);
  const controlNow = (control: Control): Control => {
    let moved = controls.get(control);
    if (!moved) controls.set(control, (moved = { ...control, operands: control.operands.map((operand) => now(operand) as GraphNode) }));
    return moved;
  };
  for (const node of inOrder(roots, (each) => (stands.has(each) ? [] : parentsOf(each)))) {
    if (stands.has(node)) continue;
    const { definition } = node;
    const isSame = parentsOf(node).every((parent) => replaced.get(parent) === parent);
    if (definition.kind === 'op') {
      const operands = definition.operands.map((operand) => now(operand) as Operand<GraphNode>);
      const moved = isSame ? node : new GraphNode(node, { ...definition, operands }, node.name);
      replaced.set(node, rule(moved, moved.definition as OpDefinition, node));
    } else if (isSame) replaced.set(node, node);
    else if (definition.kind === 'assign')
      replaced.set(node, new GraphNode(node, { ...definition, value: now(definition.value) as GraphNode }, node.name));
    else if (definition.kind === 'output')
      replaced.set(node, new GraphNode(node, { ...definition, of: controlNow(definition.of) }, node.name));
  }
  return roots.map((root) => replaced.get(root)!);
}

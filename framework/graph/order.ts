// Order: every node after those that it depends on. Not by recursion, since a recurrent net's graph is thousands of nodes deep.

/** What `roots` depend on, and they themselves, each once, after what it depends on; earlier roots first. */
export function inOrder<T>(roots: readonly T[], parentsOf: (node: T) => readonly T[]): T[] {
  const order: T[] = [];
  const seen = new Set<T>();
  const stack: { node: T; left: T[] }[] = [];
  const enter = (node: T) => {
    if (seen.has(node)) return;
    seen.add(node);
    stack.push({ node, left: parentsOf(node).toReversed() });
  };
  for (const root of roots) {
    enter(root);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const parent = top.left.pop();
      if (parent !== undefined) enter(parent);
      else order.push(stack.pop()!.node);
    }
  }
  return order;
}

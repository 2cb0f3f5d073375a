// Anomaly detection in graphs: every node of a run is read as if it were fetched, and the first that has a NaN is named.

import type { Values } from '../../kernels/index.ts';
import { type GraphNode, parentsOf } from './node.ts';
import { inOrder } from './order.ts';

/** The nodes to look at, in the order they are computed. Insides of branches and loops are seen by what comes out of them. */
export const watched = (roots: readonly GraphNode[]): GraphNode[] =>
  inOrder(roots, parentsOf).filter(({ dtype, definition }) => dtype === 'f32' && definition.kind !== 'assign');

/** How a node is computed, as messages show it. */
function callOf({ definition }: GraphNode): string {
  if (definition.kind === 'op') return `${definition.op.name}(${definition.operands.join(', ')})`;
  return definition.kind === 'output' ? `result ${definition.index} of a ${definition.of.kind}` : `a ${definition.kind}`;
}

/** Throws a RangeError that names the first of the watched nodes, the last ones of `read`, whose value has a NaN. */
export function checkAnomaly(read: readonly GraphNode[], values: readonly (number | Values)[]): void {
  for (const node of watched(read)) {
    const value = values[read.lastIndexOf(node)];
    const place = typeof value === 'number' ? (Number.isNaN(value) ? 0 : -1) : value.findIndex(Number.isNaN);
    if (place >= 0)
      throw new RangeError(
        `detectAnomaly: ${node}, ${callOf(node)}, has a NaN at element ${place}; look for a logarithm or root of what may be negative, 0 / 0, or a rate too high`,
      );
  }
}

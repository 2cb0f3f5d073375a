// Feeds are what the placeholders of a run hold: checked in full before the first of them is written.

import { type Values, valuesOf } from '../../kernels/index.ts';
import { elementsOf, type TensorData } from '../create.ts';
import { specText } from '../layout.ts';
import { equalShapes, sizeOf } from '../shape.ts';
import { GraphNode } from './node.ts';

/** Placeholders and what they hold in a run: a Map, or a list of pairs. */
export type Feeds = Iterable<readonly [GraphNode, TensorData]>;

/** What `data` puts into a placeholder. Throws a RangeError where it does not fit. */
function feedValues(node: GraphNode, data: TensorData): Values {
  const isReady = ArrayBuffer.isView(data) && node.dtype !== 'bool' && data.constructor === valuesOf(node.dtype, []).constructor;
  if (isReady && data.length === sizeOf(node.shape)) return data as Values;
  const { shape, values } = elementsOf(`run: placeholder ${node}`, data, Array.isArray(data) ? { dtype: node.dtype } : node);
  if (!equalShapes(shape, node.shape)) throw new RangeError(`run: placeholder ${node} was fed lists of shape [${shape}], expected its own`);
  return values;
}

/** Throws a TypeError for a node that cannot be fed. */
function checkFed(node: GraphNode): void {
  if (!(node instanceof GraphNode)) throw new TypeError(`run: a feed is for ${node}, expected a placeholder`);
  const { kind } = node.definition;
  const found = kind === 'variable' || kind === 'constant' || kind === 'parameter' ? `a ${kind}` : 'computed';
  if (kind !== 'placeholder') throw new TypeError(`run: cannot feed ${node}: it is ${found}; only what placeholder(..) made is fed`);
}

/**
 * The elements of each placeholder; `fetches` names what needs them.
 *
 * Throws a TypeError where one is missing or a feed is for no placeholder, a RangeError where one does not fit.
 */
export function fedValues(placeholders: readonly GraphNode[], feeds: Feeds, fetches: () => string): Values[] {
  const given = new Map<GraphNode, TensorData>(feeds);
  for (const node of given.keys()) checkFed(node);
  return placeholders.map((node) => {
    const data = given.get(node);
    if (data === undefined)
      throw new TypeError(`run: placeholder ${node} is needed by ${fetches()} but was not fed; add [node, ${specText(node)}] to the feeds`);
    return feedValues(node, data);
  });
}

// A chain of pointwise ops on ten numbers: what is left of an op's time when there is nothing to compute.

import { add, graph, mul, scope, tensor } from '../../framework/index.ts';
import type { Value } from '../../framework/op.ts';
import type { Work } from '../../harness/suite.ts';
import { factsOf, openAt, type Place } from './place.ts';

/** Nodes of the two chains: the slope between them is what one more costs. */
export const NODES = [10, 100] as const;
export const CHAIN_FORMS = ['apart', 'fused', 'eager'] as const;

const START = Float32Array.from({ length: 10 }, (_, i) => i - 4.5);
const BOUND = 1e-5;

/** x / 2 + 1, again and again: `nodes` ops, that come to 2 from any start. */
function chain<V extends Value>(x: V, nodes: number): V {
  let value = x;
  for (let i = 0; i < nodes; i++) value = i % 2 ? add<V>(value, 1) : mul<V>(value, 0.5);
  return value;
}

/** The same numbers in float64. */
const expected = (nodes: number): number[] =>
  Array.from(START, (start) => {
    let value = start;
    for (let i = 0; i < nodes; i++) value = i % 2 ? value + 1 : value * 0.5;
    return value;
  });

function complaint(values: ArrayLike<number>, nodes: number): string | undefined {
  const at = expected(nodes).findIndex((value, i) => !(Math.abs(values[i] - value) <= BOUND * Math.max(1, Math.abs(value))));
  return at < 0 ? undefined : `element ${at} is ${values[at]}, expected ${expected(nodes)[at]}`;
}

/** The chain in a graph with a kernel a node (`apart`) or as few as there can be (`fused`), or eagerly; nothing comes to the host. */
export async function chainIn(form: string, nodes: number, place: Place): Promise<Work> {
  const device = await openAt(place);
  if (form === 'eager') {
    const x = tensor(START, { device });
    const run = () => scope(() => void chain(x, nodes));
    return {
      run,
      settle: () => device.sync(),
      verify: () => scope(async () => complaint(await chain(x, nodes).read(), nodes)),
      facts: () => factsOf(device, run),
      close: () => device.close(),
    };
  }
  const session = new graph.Session({ device, rewrites: { pointwiseChains: form === 'fused', commonSubexpressions: form === 'fused' } });
  const value = chain(graph.variable(START, 'x'), nodes);
  const work = graph.group(value);
  await session.prepare(work);
  const run = () => session.run(work);
  return {
    run,
    verify: async () => complaint((await session.run(value)) as Float32Array, nodes),
    facts: () => factsOf(device, run, () => session.report()),
    async close() {
      await session.close();
      await device.close();
    },
  };
}

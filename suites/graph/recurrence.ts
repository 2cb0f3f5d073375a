// A recurrent net, h' = tanh(x[t] · w + h · u), its loss Σ h², and its gradients by w and u: as a loop in a graph, unrolled there, and in the eager style.

import { add, gather, grad, graph, lt, matmul, reshape, scope, slice, square, sum, tanh, tensor } from '../../framework/index.ts';
import type { Value } from '../../framework/op.ts';
import type { Work } from '../../harness/suite.ts';
import { randomValues } from '../../kernels/random.ts';
import { factsOf, openAt, type Place } from './place.ts';

export const RECURRENCE_FORMS = ['loop', 'unrolled', 'eager'] as const;
export const RECURRENCE = { steps: 20, batch: 16, inputs: 32, size: 64 };
const { steps, batch, inputs, size } = RECURRENCE;
const SHAPES = { x: [steps, batch, inputs], w: [inputs, size], u: [size, size], h: [batch, size] } as const;
const BOUND = 1e-4;

type Name = keyof typeof SHAPES;
type Data = Record<Name, Float32Array<ArrayBuffer>>;

function dataOf(seed: number): Data {
  const draw = (name: Name, i: number, scale: number) =>
    randomValues(
      SHAPES[name].reduce<number>((product, each) => product * each, 1),
      seed + i,
    ).map((value) => value * scale);
  return { x: draw('x', 0, 1), w: draw('w', 1, 1 / Math.sqrt(inputs)), u: draw('u', 2, 1 / Math.sqrt(size)), h: draw('h', 3, 0) };
}

/** The loss in float64. */
function exactLoss({ x, w, u, h }: Data): number {
  let state = Array.from(h);
  for (let t = 0; t < steps; t++)
    state = state.map((_, at) => {
      const [row, column] = [Math.floor(at / size), at % size];
      let total = 0;
      for (let p = 0; p < inputs; p++) total += x[(t * batch + row) * inputs + p] * w[p * size + column];
      for (let p = 0; p < size; p++) total += state[row * size + p] * u[p * size + column];
      return Math.tanh(total);
    });
  return state.reduce((total, value) => total + value * value, 0);
}

const cell = <V extends Value>(x: V, h: V, w: V, u: V): V => tanh<V>(add<V>(matmul(x, w), matmul(h, u)));
const lossOf = <V extends Value>(h: V): V => sum<V>(square<V>(h));

function unrolled<V extends Value>({ x, w, u, h }: Record<Name, V>): V {
  let state = h;
  for (let t = 0; t < steps; t++) state = cell(reshape(slice(x, [t, t + 1]), [batch, inputs]), state, w, u);
  return state;
}

function looped({ x, w, u, h }: Record<Name, graph.GraphNode>): graph.GraphNode {
  const start = graph.constant(Int32Array.of(0), undefined, { shape: [] });
  return graph.whileLoop(
    (t) => lt<graph.GraphNode>(t, steps),
    (t, state) => [add<graph.GraphNode>(t, 1), cell(gather(x, t), state, w, u)],
    [start, h],
    { maxIterations: steps },
  )[1];
}

const named = <T>(make: (name: Name) => T): Record<Name, T> =>
  Object.fromEntries((Object.keys(SHAPES) as Name[]).map((name) => [name, make(name)])) as Record<Name, T>;

const complaint = (loss: number, data: Data): string | undefined => {
  const expected = exactLoss(data);
  return Math.abs(loss - expected) <= BOUND * expected ? undefined : `the loss is ${loss}, expected ${expected} within ${BOUND} of it`;
};

/** Loss and gradients a call; the loss comes to the host. */
export async function recurrenceIn(form: string, place: Place, seed: number): Promise<Work> {
  const device = await openAt(place);
  const data = dataOf(seed);
  if (form === 'eager') {
    const tensors = named((name) => tensor(data[name], { device, shape: SHAPES[name], requiresGrad: name === 'w' || name === 'u' }));
    const run = () =>
      scope(async () => {
        const loss = lossOf(unrolled(tensors));
        grad(loss, [tensors.w, tensors.u]);
        return loss.item();
      });
    return { run, verify: async () => complaint(await run(), data), facts: () => factsOf(device, run), close: () => device.close() };
  }
  const nodes = named((name) => graph.variable(data[name], name, { shape: SHAPES[name] }));
  const loss = lossOf(form === 'loop' ? looped(nodes) : unrolled(nodes));
  const slopes = graph.group(...graph.gradients(loss, [nodes.w, nodes.u]));
  const session = new graph.Session({ device });
  await session.prepare([loss, slopes]);
  const run = () => session.run([loss, slopes]);
  return {
    run,
    verify: async () => complaint((await run())[0] as number, data),
    facts: () => factsOf(device, run, () => session.report()),
    async close() {
      await session.close();
      await device.close();
    },
  };
}

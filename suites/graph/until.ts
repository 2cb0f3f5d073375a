// A loop whose end depends on what it computes: h ← h · u until Σ h² has grown past a bound. In the graph as `whileLoop`; by the host, which runs a session for
// each iteration; and eagerly. Whoever loops reads one number an iteration: it decides.
//
//   h [rows, size], u [size, size]: a rotation of the columns times GROWTH, so that Σ h² grows by GROWTH² an iteration, exactly known

import { graph, lt, matmul, scope, square, sum, type Tensor, tensor } from '../../framework/index.ts';
import type { Value } from '../../framework/op.ts';
import type { Work } from '../../harness/suite.ts';
import { randomValues } from '../../kernels/random.ts';
import { factsOf, openAt, type Place } from './place.ts';

export const UNTIL = { rows: 16, size: 64 };
export const UNTIL_FORMS = ['loop', 'host', 'eager'] as const;
/** Iterations of the two loops: the slope between them is what one more costs. */
export const ITERATIONS = [5, 25] as const;

const { rows, size } = UNTIL;
const GROWTH = 1.2;
const BOUND = 1e-5;

const energyOf = <V extends Value>(h: V): V => sum<V>(square<V>(h));

function dataOf(iterations: number, seed: number) {
  const h = randomValues(rows * size, seed);
  const u = new Float32Array(size * size);
  for (let column = 0; column < size; column++) u[column * size + ((column + 1) % size)] = GROWTH;
  // Halfway between the sums before and after the last iteration, on a logarithmic scale: rounding decides nothing.
  const least = h.reduce((total, value) => total + value * value, 0) * GROWTH ** (2 * iterations - 1);
  return { h, u, least };
}

/** Whether h is the start, rotated and grown as often as there are iterations. */
function complaint(found: ArrayLike<number>, start: Float32Array, iterations: number): string | undefined {
  for (const [at, value] of start.entries()) {
    const place = at - (at % size) + (((at % size) + iterations) % size);
    const expected = value * GROWTH ** iterations;
    if (!(Math.abs(found[place] - expected) <= BOUND * Math.max(1, Math.abs(expected))))
      return `element ${place} after ${iterations} iterations is ${found[place]}, expected ${expected}`;
  }
  return undefined;
}

/** The loop once a call; its last h stays on the device. */
export async function untilIn(form: string, iterations: number, place: Place, seed: number): Promise<Work> {
  const device = await openAt(place);
  const { h, u, least } = dataOf(iterations, seed);
  if (form === 'eager') {
    const [start, by] = [tensor(h, { device, shape: [rows, size] }), tensor(u, { device, shape: [size, size] })];
    const last = async (): Promise<Tensor> => {
      let state = start;
      while ((await energyOf(state).item()) < least) state = matmul(state, by);
      return state;
    };
    const run = () => scope(async () => void (await last()));
    return {
      run,
      verify: () => scope(async () => complaint(await (await last()).read(), h, iterations)),
      facts: () => factsOf(device, run),
      close: () => device.close(),
    };
  }
  const [start, by] = [graph.constant(h, 'start', { shape: [rows, size] }), graph.variable(u, 'u', { shape: [size, size] })];
  const session = new graph.Session({ device });
  const loop = form === 'loop' ? inGraph(session, start, by, least) : onHost(session, start, by, least);
  for (const fetches of loop.prepares) await session.prepare(fetches);
  return {
    run: loop.run,
    async verify() {
      await loop.run();
      return complaint((await session.run(loop.last)) as Float32Array, h, iterations);
    },
    facts: () => factsOf(device, loop.run, () => session.report()),
    async close() {
      await session.close();
      await device.close();
    },
  };
}

interface Loop {
  readonly run: () => Promise<unknown>;
  /** Sets of fetches that it runs. */
  readonly prepares: readonly (graph.Fetch | readonly graph.Fetch[])[];
  /** What has the last h after a run. */
  readonly last: graph.GraphNode;
}

function inGraph(session: graph.Session, start: graph.GraphNode, by: graph.GraphNode, least: number): Loop {
  const last = graph.whileLoop(
    (h) => lt<graph.GraphNode>(energyOf(h), least),
    (h) => matmul(h, by),
    start,
  );
  const work = graph.group(last);
  return { run: () => session.run(work), prepares: [work], last };
}

/** The host's own `while`: h is a variable, and each run of the session replaces it and gives its sum of squares. */
function onHost(session: graph.Session, start: graph.GraphNode, by: graph.GraphNode, least: number): Loop {
  const h = graph.variable(new Float32Array(rows * size), 'h', { shape: [rows, size] });
  const [begun, next] = [graph.assign(h, start), graph.assign(h, matmul(h, by))];
  const [begin, step] = [
    [energyOf(begun), graph.group(begun)],
    [energyOf(next), graph.group(next)],
  ];
  return {
    async run() {
      let [energy] = (await session.run(begin)) as [number];
      while (energy < least) [energy] = (await session.run(step)) as [number];
    },
    prepares: [begin, step],
    last: h,
  };
}

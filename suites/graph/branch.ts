// A conditional on what the device knows: y = x · w1 where z > 0, else x · w2, and z changes its sign with every call. In the graph as `cond`, or as both products
// and a choice between them by element; by the host, which reads z > 0 and runs one of two fetches; and eagerly.
//
//   x [rows, size], w1 and w2 [size, size], z [1]

import { graph, gt, matmul, neg, scope, tensor, where } from '../../framework/index.ts';
import type { Work } from '../../harness/suite.ts';
import type { Device } from '../../kernels/device.ts';
import { randomValues } from '../../kernels/random.ts';
import { factsOf, openAt, type Place } from './place.ts';

export const BRANCH = { rows: 16, size: 64 };
export const BRANCH_FORMS = ['cond', 'both', 'host', 'eager'] as const;

const { rows, size } = BRANCH;
const BOUND = 1e-5;

interface Data {
  readonly x: Float32Array<ArrayBuffer>;
  readonly w1: Float32Array<ArrayBuffer>;
  readonly w2: Float32Array<ArrayBuffer>;
}

const dataOf = (seed: number): Data => ({
  x: randomValues(rows * size, seed),
  w1: randomValues(size * size, seed + 1),
  w2: randomValues(size * size, seed + 2),
});

/** Whether y is x · w, in float64. */
function complaint(y: ArrayLike<number>, { x }: Data, w: Float32Array): string | undefined {
  for (let at = 0; at < rows * size; at++) {
    const [row, column] = [Math.floor(at / size), at % size];
    let [expected, scale] = [0, 0];
    for (let p = 0; p < size; p++) {
      const product = x[row * size + p] * w[p * size + column];
      expected += product;
      scale += Math.abs(product);
    }
    if (!(Math.abs(y[at] - expected) <= BOUND * scale)) return `element ${at} is ${y[at]}, expected ${expected}`;
  }
  return undefined;
}

/** One y a call, and z with the other sign; y stays on the device unless it is asked for. */
type Step = (isRead: boolean) => Promise<ArrayLike<number> | undefined>;

export async function branchIn(form: string, place: Place, seed: number): Promise<Work> {
  const device = await openAt(place);
  const data = dataOf(seed);
  const session = form === 'eager' ? undefined : new graph.Session({ device });
  const step = session ? await inGraph(form, data, session) : eagerly(data, device);
  let calls = 0;
  const call = (isRead: boolean) => {
    calls++;
    return step(isRead);
  };
  const run = () => call(false);
  return {
    run,
    async verify() {
      for (let side = 0; side < 2; side++) {
        const isFirst = calls % 2 === 0;
        const said = complaint((await call(true))!, data, isFirst ? data.w1 : data.w2);
        if (said) return `${isFirst ? 'x · w1' : 'x · w2'}: ${said}`;
      }
      return undefined;
    },
    facts: () => factsOf(device, run, session && (() => session.report())),
    async close() {
      await session?.close();
      await device.close();
    },
  };
}

function eagerly(data: Data, device: Device): Step {
  const made = (values: Float32Array<ArrayBuffer>, shape: readonly number[]) => tensor(values, { device, shape });
  const [x, w1, w2] = [made(data.x, [rows, size]), made(data.w1, [size, size]), made(data.w2, [size, size])];
  let z = tensor([1], { device });
  return async (isRead) => {
    const [values, next] = await scope(async () => {
      const y = matmul(x, (await z.item()) > 0 ? w1 : w2);
      return [isRead ? await y.read() : undefined, neg(z)] as const;
    });
    z.dispose();
    z = next;
    return values as ArrayLike<number> | undefined;
  };
}

async function inGraph(form: string, data: Data, session: graph.Session): Promise<Step> {
  const [x, w1, w2] = [
    graph.variable(data.x, 'x', { shape: [rows, size] }),
    graph.variable(data.w1, 'w1', { shape: [size, size] }),
    graph.variable(data.w2, 'w2', { shape: [size, size] }),
  ];
  const z = graph.variable([1], 'z');
  const isPositive = gt<graph.GraphNode>(z, 0);
  const flip = graph.assign(z, neg(z));
  const products = [matmul(x, w1), matmul(x, w2)] as const;
  if (form === 'host') {
    const ask = [isPositive, graph.group(flip)] as const;
    const groups = products.map((y) => graph.group(y));
    await session.prepare(ask);
    for (const y of groups) await session.prepare(y);
    return async (isRead) => {
      const [answer] = (await session.run(ask)) as unknown as [ArrayLike<number>];
      const taken = answer[0] ? 0 : 1;
      return (await session.run(isRead ? products[taken] : groups[taken])) as ArrayLike<number> | undefined;
    };
  }
  const y =
    form === 'cond'
      ? graph.cond(
          isPositive,
          () => matmul(x, w1),
          () => matmul(x, w2),
        )
      : where(isPositive, ...products);
  const work = graph.group(y, flip);
  await session.prepare(work);
  return async (isRead) => {
    if (!isRead) return void (await session.run(work));
    return ((await session.run([y, graph.group(flip)])) as unknown as [ArrayLike<number>])[0];
  };
}

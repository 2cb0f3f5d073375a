// The arms of a comparison of one fused pass with the passes it is made of: `fused`, `separate`, and a `copy` of as many bytes for each thread count.

import type { FunctionArm, Work } from '../harness/suite.ts';
import { choose, kernelsFor, refusal, validTunables } from '../kernels/catalog.ts';
import type { Buffer, Device } from '../kernels/device.ts';
import { type Expression, input, relu } from '../kernels/expression.ts';
import type { AnyKernel, DeviceKind, Tunables } from '../kernels/kernel.ts';
import { Launch } from '../kernels/launch.ts';
import { launched } from '../kernels/launching.ts';
import { openDevice } from '../kernels/open.ts';
import { copy, operandExtents, type PointwiseProblem, type Problem, pointwise } from '../kernels/problem.ts';
import { randomValues } from '../kernels/random.ts';

export interface ArmPlace {
  readonly device: DeviceKind;
  readonly threads?: number;
}

/** Seed of the operands; both ways of a comparison get the same. */
const SEED = 1;
/** Elements that are compared with the sum in plain numbers: so many from either end. */
const CHECKED = 1000;

const placeText = ({ device, threads }: ArmPlace): string => (device === 'cpu' ? `cpu/${threads}` : device);

/** A ReLU of x0 + x1 in one pass, in two, and a copy that moves as many bytes, in every place. */
export const pointwiseArms = (fused: PointwiseProblem, places: readonly ArmPlace[]): FunctionArm[] =>
  places.flatMap((place) => {
    const arm = (name: string, problems: readonly Problem[]): FunctionArm => ({
      ...{ ...place, name: `${name}@${placeText(place)}` },
      make: () => worked(place, fused, problems),
    });
    const { shape, inputs } = fused;
    const [sum] = fused.expression.operands;
    return [
      arm('fused', [fused]),
      arm('separate', [
        pointwise({ shape, inputs, expression: sum as Expression }),
        pointwise({ shape, inputs: [{}], expression: relu(input(0)), inPlace: 0 }),
      ]),
      { ...place, name: `copy@${placeText(place)}`, make: () => copying(place, fused) },
    ];
  });

/** The passes of `problems` one after another over one set of operands, those of `fused`. */
async function worked({ device: kind, threads }: ArmPlace, fused: PointwiseProblem, problems: readonly Problem[]): Promise<Work> {
  const device = await openDevice(kind, { threads });
  const values = Object.entries(operandExtents(fused)).map(([name, { elements }], i) => [name, randomValues(elements, SEED + i)] as const);
  const buffers = Object.fromEntries(values.map(([name, { byteLength }]) => [name, device.alloc(byteLength)]));
  for (const [name, each] of values) device.write(buffers[name], each);
  const launches = problems.map((problem) => {
    const best = () => choose(problem, device);
    return launched(best(), best, ({ kernel, tunables }) => new Launch(device, kernel, problem, tunables));
  });
  await Promise.all(launches.map(({ ready }) => ready));
  const { x0, x1, out } = Object.fromEntries(values);
  return {
    ...queued(device),
    run: () => {
      for (const launch of launches) launch.run(buffers);
    },
    async verify() {
      const got = new Float32Array((await device.read(buffers.out)).buffer);
      for (let i = 0; i < out.length; i++) {
        if (i === CHECKED && out.length > 2 * CHECKED) i = out.length - CHECKED;
        const expected = Math.max(0, Math.fround(x0[i] + x1[i % x1.length]));
        if (got[i] !== expected) return `element ${i} is ${got[i]}, expected ${expected}`;
      }
      return undefined;
    },
  };
}

/** A device of an arm's own: what is queued is waited for at the end of a batch. */
const queued = (device: Device): Pick<Work, 'settle' | 'close'> => ({
  ...(device.kind !== 'cpu' && { settle: () => device.sync() }),
  close: () => device.close(),
});

/** The loop that copies fastest, over as many bytes as `fused` reads and writes. */
async function copying({ device: kind, threads }: ArmPlace, fused: PointwiseProblem): Promise<Work> {
  const device = await openDevice(kind, { threads });
  const moved = Object.values(operandExtents(fused)).reduce((sum, { elements }) => sum + 4 * elements, 0);
  const unit = 4096 * (threads ?? 1);
  const bytes = Math.max(unit, Math.floor(moved / 2 / unit) * unit);
  const [from, to] = [device.alloc(bytes), device.alloc(bytes)];
  for (const buffer of [from, to]) device.fill(buffer, 0x3f800000);
  const buffers = { from, to, x0: from, out: to };
  const launches = copiesOf(device, bytes);
  await Promise.all(launches.map(({ ready }) => ready));
  const fastest = await best(device, launches, buffers);
  return { ...queued(device), run: () => fastest.run(buffers) };
}

/** The roof's loops that pass once over so many bytes, and the kernels of the op `copy`. */
function copiesOf(device: Device, bytes: number): Launch[] {
  const stream: Problem = { op: 'stream', access: 'copy', bytes };
  const dense = { strides: [1], offset: 0 };
  const plain = copy({ shape: [bytes / 4], from: dense, to: dense });
  return [stream, plain].flatMap((problem) =>
    kernelsFor(problem.op, device.kind)
      .filter((kernel) => refusal(kernel, problem, device) === undefined)
      .flatMap((kernel) => tunablesOf(device, kernel, problem).map((tunables) => ({ kernel, tunables })))
      .filter(({ kernel, tunables }) => kernel.cost(problem, tunables).bytes === 2 * bytes)
      .map(({ kernel, tunables }) => new Launch(device, kernel, problem, tunables)),
  );
}

/** All of a kernel's; on a software adapter, which is slow and no place to choose kernels, its own choice. */
const tunablesOf = (device: Device, kernel: AnyKernel, problem: Problem): Tunables[] =>
  device.limits.softwareAdapter ? [kernel.defaults(problem, device)] : [...validTunables(kernel, problem, device)];

/** The fastest of a few launches, each tried five times. */
async function best(device: Device, launches: readonly Launch[], buffers: Record<string, Buffer>): Promise<Launch> {
  const times: number[] = [];
  for (const launch of launches) {
    const tries: number[] = [];
    for (let i = 0; i < 5; i++) tries.push(await device.span(() => launch.run(buffers)));
    times.push(Math.min(...tries));
  }
  return launches[times.indexOf(Math.min(...times))];
}

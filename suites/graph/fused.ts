// A convolution and the ReLU after it, in one kernel or in two, and the ReLU by itself: what fusing saves should be what it takes to read and write the
// convolution's output once more, which is all that the ReLU by itself does.

import { conv2d, graph, relu } from '../../framework/index.ts';
import { type Shape, sizeOf } from '../../framework/shape.ts';
import type { Work } from '../../harness/suite.ts';
import type { Cost } from '../../kernels/kernel.ts';
import { type Conv2dProblem, conv2dOperands, conv2d as convolution } from '../../kernels/problem.ts';
import { randomValues } from '../../kernels/random.ts';
import { conv2dElement } from '../../kernels/references/conv2d-element.ts';
import { factsOf, openAt, type Place } from './place.ts';

export const FUSED_FORMS = ['apart', 'fused', 'relu'] as const;

/** Elements that are compared with float64, and how far one may lie from it, as a share of the sum of its products' magnitudes. */
const CHECKED = 257;
const BOUND = 1e-5;

export interface ConvolutionSizes {
  readonly input: readonly [batch: number, channels: number, height: number, width: number];
  readonly filter: readonly [filters: number, channels: number, rows: number, columns: number];
  readonly padding: number;
}

const problemOf = ({ input, filter, padding }: ConvolutionSizes): Conv2dProblem =>
  convolution({ input, filter, padding, epilogue: { relu: true } });

/** Shape of what the ReLU is applied to: stride 1. */
export const outputShapeOf = ({
  input: [batch, , height, width],
  filter: [filters, , rows, columns],
  padding,
}: ConvolutionSizes): Shape => [batch, filters, height + 2 * padding - rows + 1, width + 2 * padding - columns + 1];

/** What the convolution costs at least, its ReLU within it. */
export function fusedCost(sizes: ConvolutionSizes): Cost {
  const [, channels, rows, columns] = sizes.filter;
  const outputs = sizeOf(outputShapeOf(sizes));
  const flops = 2 * outputs * channels * rows * columns;
  return { flops, executedFlops: flops, bytes: 4 * (sizeOf(sizes.input) + sizeOf(sizes.filter) + outputs) };
}

/** What a ReLU that is not fused reads and writes. */
export const avoidedBytes = (shapes: readonly Shape[]): number => shapes.reduce((sum, shape) => sum + 8 * sizeOf(shape), 0);

/** y = relu(x * w), y staying on the device; w is a constant, as in a net in use. */
export async function fusedIn(form: string, sizes: ConvolutionSizes, place: Place, seed: number): Promise<Work> {
  const device = await openAt(place);
  const [input, filter] = [sizes.input, sizes.filter].map((shape, i) => randomValues(sizeOf(shape), seed + i));
  const x = graph.variable(input, 'x', { shape: sizes.input });
  const y = relu<graph.GraphNode>(conv2d(x, graph.constant(filter, 'w', { shape: sizes.filter }), { padding: sizes.padding }));
  const work = graph.group(y);
  const session = new graph.Session({ device, rewrites: { convolutionEpilogue: form === 'fused' } });
  await session.prepare(work);
  const run = () => session.run(work);
  return {
    run,
    async verify() {
      const found = (await session.run(y)) as Float32Array;
      const problem = problemOf(sizes);
      const { elements } = conv2dOperands(problem).output;
      for (let i = 0; i < CHECKED; i++) {
        const at = Math.floor((i * (elements - 1)) / (CHECKED - 1));
        const { value, scale } = conv2dElement(problem, { input, filter }, at);
        if (!(Math.abs(found[at] - value) <= BOUND * scale)) return `element ${at} is ${found[at]}, expected ${value}`;
      }
      return undefined;
    },
    facts: () => factsOf(device, run, () => session.report()),
    async close() {
      await session.close();
      await device.close();
    },
  };
}

/** ReLUs of tensors of these shapes by themselves. */
export async function reluIn(shapes: readonly Shape[], place: Place, seed: number): Promise<Work> {
  const device = await openAt(place);
  const values = shapes.map((shape, i) => randomValues(sizeOf(shape), seed + i));
  const results = values.map((each, i) => relu<graph.GraphNode>(graph.variable(each, `x${i}`, { shape: shapes[i] })));
  const work = graph.group(...results);
  const session = new graph.Session({ device });
  await session.prepare(work);
  const run = () => session.run(work);
  return {
    run,
    async verify() {
      const found = (await session.run(results)) as Float32Array[];
      const odd = found.findIndex((each, i) => each.some((value, at) => value !== Math.max(values[i][at], 0)));
      return odd < 0 ? undefined : `the ReLU of [${shapes[odd]}] is not max(x, 0)`;
    },
    facts: () => factsOf(device, run, () => session.report()),
    async close() {
      await session.close();
      await device.close();
    },
  };
}

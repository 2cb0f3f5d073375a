// The forms of a training step by what crosses between host and device, for nets of linear layers with ReLU between them and the mean squared difference.
//
//   placeholders   weights are fed and their gradients fetched in each step; the host descends
//   variables      weights stay on the device; gradients are fetched, and what to add is fed
//   assign         weights are updated in the graph; to have that done, the new weights are fetched
//   group          the updates are fetched as a group, which has no value: only data and loss cross
//   resident       the data stay on the device too: only the loss crosses
//
// The first four are those of lecture/static, whose files the two-layer net runs; here they are for any number of layers.

import { parametersOf, shapesOf, type Training, type TrainingData } from '../../framework/exact/training.ts';
import { graph } from '../../framework/index.ts';
import type { Device } from '../../kernels/device.ts';
import type { Rung } from '../lecture/start.ts';
import { assign } from '../lecture/static/assign.ts';
import { group } from '../lecture/static/group.ts';
import { placeholders } from '../lecture/static/placeholders.ts';
import { variables } from '../lecture/static/variables.ts';

export const FORMS = ['placeholders', 'variables', 'assign', 'group', 'resident'] as const;
export type Form = (typeof FORMS)[number];

type Node = graph.GraphNode;
type Matrix = Float32Array<ArrayBuffer>;

/** Trains without end, a step at a time, and gives each step's loss. */
export type Steps = AsyncGenerator<number>;

const IN_LECTURE: Readonly<Partial<Record<Form, Rung>>> = { placeholders, variables, assign, group };

/** A form of the step on a device; that of a two-layer net in the lecture's own words where it has them. */
export function stepsIn(form: Form, training: Training, data: TrainingData, device: Device): Steps {
  const rung = IN_LECTURE[form];
  const { batch: N, example, layers, rate } = training;
  const [first] = layers;
  if (!rung || layers.length !== 3 || first.kind !== 'linear') return inDepth(form, training, data, device);
  return rung({ N, D: example[0], H: first.outputs, rate, x: data.x, y: data.y, w1: data['0.weight'], w2: data['2.weight'] }, device);
}

/** The same for any number of layers. */
export async function* inDepth(form: Form, training: Training, data: TrainingData, device: Device): Steps {
  const shapes = shapesOf(training);
  const parameters = parametersOf(training);
  const start = parameters.map(({ name }) => data[name]);
  const held = (name: string): Node => graph.variable(data[name], name, { shape: shapes[name] });
  const [x, y] = ['x', 'y'].map((name) => (form === 'resident' ? held(name) : graph.placeholder(shapes[name])));
  const weights = parameters.map(({ name, shape }) => (form === 'placeholders' ? graph.placeholder(shape) : held(name)));
  const outputs = weights.reduce((input, weight, i) => (i === 0 ? input : input.relu()).matmul(weight), x);
  const loss = outputs.sub(y).square().mean();
  const slopes = graph.gradients(loss, weights);
  const feeds: [Node, Matrix][] =
    form === 'resident'
      ? []
      : [
          [x, data.x],
          [y, data.y],
        ];

  await using session = new graph.Session({ device });
  const step = makeStep(form, { session, loss, weights, slopes, feeds, rate: training.rate, start });
  for (;;) yield await step();
}

interface Built {
  readonly session: graph.Session;
  readonly loss: Node;
  readonly weights: readonly Node[];
  readonly slopes: readonly Node[];
  readonly feeds: readonly [Node, Matrix][];
  readonly rate: number;
  readonly start: readonly Matrix[];
}

function makeStep(form: Form, built: Built): () => Promise<number> {
  if (form === 'placeholders') return hostDescent(built);
  if (form === 'variables') return fedDescent(built);
  const { session, loss, weights, slopes, feeds, rate } = built;
  const updates = weights.map((weight, i) => graph.assign(weight, weight.sub(slopes[i].mul(rate))));
  const fetches = form === 'assign' ? [loss, ...updates] : [loss, graph.group(...updates)];
  return async () => (await session.run(fetches, feeds))[0] as number;
}

/** The host holds the weights. */
function hostDescent({ session, loss, weights, slopes, feeds, rate, start }: Built): () => Promise<number> {
  const values = start.map((each) => each.slice());
  const all = [...feeds, ...weights.map((weight, i) => [weight, values[i]] as const)];
  return async () => {
    const [now, ...gradients] = (await session.run([loss, ...slopes], all)) as [number, ...Matrix[]];
    for (const [i, gradient] of gradients.entries()) for (let at = 0; at < gradient.length; at++) values[i][at] -= rate * gradient[at];
    return now;
  };
}

/** The host makes the steps that the device adds. */
function fedDescent({ session, loss, weights, slopes, feeds, rate }: Built): () => Promise<number> {
  const steps = weights.map(({ shape }) => graph.placeholder(shape));
  const update = graph.group(...weights.map((weight, i) => graph.assignAdd(weight, steps[i])));
  return async () => {
    const [now, ...gradients] = (await session.run([loss, ...slopes], feeds)) as [number, ...Matrix[]];
    for (const gradient of gradients) for (let at = 0; at < gradient.length; at++) gradient[at] *= -rate;
    await session.run(
      update,
      steps.map((step, i) => [step, gradients[i]] as const),
    );
    return now;
  };
}

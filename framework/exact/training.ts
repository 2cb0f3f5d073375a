// A training is a net, its loss and its rate as data: what both styles, peers and the float64 oracle take the same steps of.

import { randomValues } from '../../kernels/random.ts';
import { type Shape, sizeOf } from '../shape.ts';

export type Layer =
  /** x · w + b with w [inputs, outputs] and b [outputs]. */
  | { readonly kind: 'linear'; readonly inputs: number; readonly outputs: number; readonly bias: boolean }
  /** Filters [outputs, inputs, window, window] and a bias [outputs]; stride 1, `padding` rows and columns of 0 around. */
  | { readonly kind: 'conv2d'; readonly inputs: number; readonly outputs: number; readonly window: number; readonly padding: number }
  /** The largest of each window, side by side. */
  | { readonly kind: 'maxPool2d'; readonly window: number }
  | { readonly kind: 'relu' | 'flatten' };

export interface Training {
  /** Shape of one example. */
  readonly example: Shape;
  readonly batch: number;
  readonly layers: readonly Layer[];
  /** Mean squared difference to y [batch, outputs], or mean cross entropy of logits with the classes y [batch]. */
  readonly loss: 'mse' | 'crossEntropy';
  /** Plain gradient descent subtracts this many times the gradient. */
  readonly rate: number;
  /** Example i is example i % distinct again: the oracle computes each once. */
  readonly distinct: number;
}

/** Values by name, row-major: x and y, and parameters as `0.weight`, `0.bias` by their layer. */
export type TrainingData = Readonly<Record<string, Float32Array<ArrayBuffer>>>;

/** The parameters in order, with their shapes. */
export function parametersOf({ layers }: Training): { readonly name: string; readonly shape: Shape }[] {
  return layers.flatMap((layer, i) => {
    if (layer.kind !== 'linear' && layer.kind !== 'conv2d') return [];
    const { inputs, outputs } = layer;
    const weight = layer.kind === 'linear' ? [inputs, outputs] : [outputs, inputs, layer.window, layer.window];
    const bias = layer.kind === 'conv2d' || layer.bias ? [{ name: `${i}.bias`, shape: [outputs] }] : [];
    return [{ name: `${i}.weight`, shape: weight }, ...bias];
  });
}

/** Numbers of the last layer that has parameters: what the net puts out for an example. */
export const outputsOf = ({ layers }: Training): number =>
  layers.reduce((outputs, layer) => ('outputs' in layer ? layer.outputs : outputs), 0);

/** Shapes of everything in `TrainingData`. */
export const shapesOf = (training: Training): Readonly<Record<string, Shape>> => ({
  x: [training.batch, ...training.example],
  y: training.loss === 'mse' ? [training.batch, outputsOf(training)] : [training.batch],
  ...Object.fromEntries(parametersOf(training).map(({ name, shape }) => [name, shape])),
});

/** Examples that repeat after `distinct`. */
function repeated(values: Float32Array<ArrayBuffer>, batch: number, distinct: number): Float32Array<ArrayBuffer> {
  const width = values.length / distinct;
  return Float32Array.from({ length: batch * width }, (_, i) => values[i % (distinct * width)]);
}

/** Seeded data and initial parameters: all uniform, examples in [-1, 1), parameters within 1 / √(what a weight's sum runs over), LeCun's rule. */
export function trainingData(training: Training, seed: number): TrainingData {
  const { batch, distinct, loss } = training;
  const { x, y, ...parameters } = shapesOf(training);
  const outputs = outputsOf(training);
  const draw = (shape: Shape, stream: number) => randomValues(sizeOf(shape), seed + stream);
  const targets = draw([distinct, ...y.slice(1)], 1);
  const wanted = loss === 'mse' ? targets : targets.map((value) => Math.floor(((value + 1) / 2) * outputs));
  const start = Object.entries(parameters).map(([name, shape], i) => {
    const weight = parameters[name.replace('bias', 'weight')];
    const terms = weight.length === 2 ? weight[0] : sizeOf(weight.slice(1));
    return [name, draw(shape, 2 + i).map((value) => value / Math.sqrt(terms))] as const;
  });
  return {
    x: repeated(draw([distinct, ...x.slice(1)], 0), batch, distinct),
    y: repeated(wanted, batch, distinct),
    ...Object.fromEntries(start),
  };
}

/** Floating-point operations of a step: each product forward, by its weight, and by its input where that has a gradient. */
export function flopsOf({ example, batch, layers }: Training): number {
  let [shape, flops, isFirst] = [example, 0, true];
  for (const layer of layers) {
    shape = shapeAfter(layer, shape);
    if (!('inputs' in layer)) continue;
    const terms = layer.kind === 'linear' ? layer.inputs : layer.inputs * layer.window ** 2;
    flops += 2 * batch * sizeOf(shape) * terms * (isFirst ? 2 : 3);
    isFirst = false;
  }
  return flops;
}

/** The shape of what a layer makes of one example. */
export function shapeAfter(layer: Layer, shape: Shape): Shape {
  if (layer.kind === 'flatten') return [sizeOf(shape)];
  if (layer.kind === 'linear') return [...shape.slice(0, -1), layer.outputs];
  const [channels, height, width] = shape;
  if (layer.kind === 'maxPool2d') return [channels, Math.floor(height / layer.window), Math.floor(width / layer.window)];
  if (layer.kind !== 'conv2d') return shape;
  const margin = 2 * layer.padding - layer.window + 1;
  return [layer.outputs, height + margin, width + margin];
}

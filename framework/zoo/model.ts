// A model is a net of the zoo at a size, with all of its numbers given by a seed: whoever makes it, in whatever process, makes the same.

import type { Device } from '../../kernels/index.ts';
import { randomValues } from '../../kernels/random.ts';
import { constant, type Feeds, type GraphNode, gradients, placeholder } from '../graph/index.ts';
import { Dropout, inGraph, type Sequential } from '../nn/index.ts';
import { crossEntropy } from '../ops/index.ts';
import type { Shape } from '../shape.ts';
import { sizeOf } from '../shape.ts';
import { nets } from './index.ts';

/** Classes of every model: those of ImageNet. */
const CLASSES = 1000;

export interface Model {
  /** A name among `nets`. */
  readonly net: string;
  readonly batch: number;
  /** Pixels of an image's side. */
  readonly size: number;
  readonly width: number;
  readonly seed: number;
}

export const imageShape = ({ batch, size }: Model): Shape => [batch, 3, size, size];

/** Images with numbers uniform in [-1, 1). */
export const imagesOf = (model: Model): Float32Array<ArrayBuffer> => randomValues(sizeOf(imageShape(model)), model.seed);

/** A class for each image. */
export const classesOf = ({ batch, seed }: Model): Int32Array<ArrayBuffer> =>
  Int32Array.from({ length: batch }, (_, i) => (Math.imul(i + 1, 389) + seed) % CLASSES);

/** The net, in use unless it is to be trained; its running statistics are no identity, and dropout drops nothing, so that everybody computes the same. */
export function netOf({ net, size, width, seed }: Model, device: Device, training = false): Sequential {
  const made = nets[net]({ device, size, width, classes: CLASSES, seed }).train(training);
  for (const layer of made.layers) if (layer instanceof Dropout) layer.eval();
  for (const [i, [path, { shape, storage }]] of Object.entries(made.stateDict()).entries()) {
    const [scale, middle] = path.endsWith('runningMean') ? [0.1, 0] : path.endsWith('runningVariance') ? [0.3, 1] : [0, 0];
    if (scale > 0)
      device.write(
        storage.buffer,
        randomValues(sizeOf(shape), seed + i).map((value) => value * scale + middle),
      );
  }
  return made;
}

/** A model as a graph over its own tensors. */
export interface ModelGraph {
  readonly net: Sequential;
  readonly input: GraphNode;
  /** The model's images for the input, made when they are asked for first. */
  feeds(): Feeds;
  /** Logits [batch, classes]. */
  readonly output: GraphNode;
  /** In training: the mean cross entropy with `classesOf`, and its gradients by the net's parameters, in order. */
  readonly loss?: GraphNode;
  readonly gradients: readonly GraphNode[];
}

export const parameterCount = (net: Sequential): number => net.parameters().reduce((sum, { size }) => sum + size, 0);

/** The graph of a model, made anew: see `graphOfNet`. */
export const graphOf = (model: Model, device: Device, training = false): Promise<ModelGraph> =>
  graphOfNet(model, netOf(model, device, training));

/** The graph of a net's forward, in training with its backward; disposing of the net leaves what sessions use. */
export async function graphOfNet(model: Model, net: Sequential): Promise<ModelGraph> {
  const nodes = await inGraph(net, { share: true });
  const input = placeholder(imageShape(model), 'f32', 'images');
  const output = nodes.forward(input);
  let images: Feeds | undefined;
  const feeds = () => (images ??= [[input, imagesOf(model)]]);
  if (!net.training) return { net, input, feeds, output, gradients: [] };
  const loss = crossEntropy(output, constant(classesOf(model), 'classes'));
  return { net, input, feeds, output, loss, gradients: gradients(loss, nodes.parameters) };
}

// ResNet: blocks whose output is added to their input, so that gradients reach a deep net's first layers (He et al. 2015).
//
//   images [N, 3, 224, 224] -> 7x7, stride 2 -> pool -> stages of 64@56, 128@28, 256@14, 512@7 channels -> mean of each channel -> classes
//
// The first block of a stage halves the image, in its 3x3 convolution, as the nets of fb.resnet.torch and torchvision do.

import { GlobalAvgPool, type Layer, MaxPool2d, Module, relu, Sequential } from '../nn/index.ts';
import { add, relu as reluOf } from '../ops/index.ts';
import type { Tensor } from '../tensor.ts';
import { Layers, type NetOptions } from './layers.ts';

const CHANNELS = [64, 128, 256, 512];

/** ReLU(branch(x) + shortcut(x)); the shortcut is x itself where shapes allow it. */
export class Residual extends Module {
  readonly branch: Layer;
  readonly shortcut: Layer | undefined;

  constructor(branch: Layer, shortcut?: Layer) {
    super();
    this.branch = branch;
    this.shortcut = shortcut;
  }
  forward(x: Tensor): Tensor {
    return reluOf(add<Tensor>(this.branch.forward(x), this.shortcut?.forward(x) ?? x));
  }
}

/** A convolution without a bias, since the normalisation that follows would take it away. */
const normed = (layers: Layers, channels: number, filters: number, size: number, stride: number): Layer[] => [
  layers.conv(channels, filters, size, { stride, padding: (size - 1) / 2, bias: false }),
  layers.norm(filters),
];

type Block = (layers: Layers, channels: number, width: number, stride: number) => { readonly branch: Layer[]; readonly filters: number };

/** Two 3x3 convolutions. */
const basic: Block = (layers, channels, width, stride) => ({
  branch: [...normed(layers, channels, width, 3, stride), relu(), ...normed(layers, width, width, 3, 1)],
  filters: width,
});

/** A 3x3 convolution between 1x1 ones that make its channels fewer and then four times as many. */
const bottleneck: Block = (layers, channels, width, stride) => ({
  branch: [
    ...normed(layers, channels, width, 1, 1),
    relu(),
    ...normed(layers, width, width, 3, stride),
    relu(),
    ...normed(layers, width, 4 * width, 1, 1),
  ],
  filters: 4 * width,
});

/** `depths` are the blocks of each stage. */
function resnet(block: Block, depths: readonly number[], options: NetOptions): Sequential {
  const layers = new Layers(options);
  let channels = layers.wide(64);
  const stem = [...normed(layers, 3, channels, 7, 2), relu(), new MaxPool2d(3, { stride: 2, padding: 1 })];
  const stages = depths.flatMap((depth, stage) =>
    Array.from({ length: depth }, (_, i) => {
      const stride = i === 0 && stage > 0 ? 2 : 1;
      const { branch, filters } = block(layers, channels, layers.wide(CHANNELS[stage]), stride);
      const shortcut = stride === 1 && filters === channels ? undefined : new Sequential(...normed(layers, channels, filters, 1, stride));
      channels = filters;
      return new Residual(new Sequential(...branch), shortcut);
    }),
  );
  return new Sequential(...stem, ...stages, new GlobalAvgPool(), layers.linear(channels, layers.classes));
}

/** 11,689,512 parameters. */
export const resnet18 = (options: NetOptions = {}): Sequential => resnet(basic, [2, 2, 2, 2], options);
/** 21,797,672 parameters. */
export const resnet34 = (options: NetOptions = {}): Sequential => resnet(basic, [3, 4, 6, 3], options);
/** 25,557,032 parameters. */
export const resnet50 = (options: NetOptions = {}): Sequential => resnet(bottleneck, [3, 4, 6, 3], options);

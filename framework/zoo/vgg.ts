// VGG: 3x3 convolutions in five stages, each ended by a pool that halves the image, and three linear layers (Simonyan and Zisserman 2014).
//
//   images [N, 3, 224, 224] -> 64@224 -> 128@112 -> 256@56 -> 512@28 -> 512@14 -> 512@7 -> 4096 -> 4096 -> classes

import { Dropout, Flatten, MaxPool2d, relu, Sequential } from '../nn/index.ts';
import { Layers, type NetOptions } from './layers.ts';

const CHANNELS = [64, 128, 256, 512, 512];

/** `depths` are the convolutions of each stage. */
function vgg(depths: readonly number[], options: NetOptions): Sequential {
  const layers = new Layers(options);
  let channels = 3;
  const stages = depths.flatMap((depth, stage) => {
    const convolutions = Array.from({ length: depth }, () => {
      const filters = layers.wide(CHANNELS[stage]);
      const conv = layers.conv(channels, filters, 3, { padding: 1 });
      channels = filters;
      return [conv, relu()];
    });
    return [...convolutions.flat(), new MaxPool2d(2)];
  });
  const hidden = layers.wide(4096);
  return new Sequential(
    ...stages,
    new Flatten(),
    layers.linear(channels * Math.floor(layers.size / 32) ** 2, hidden),
    relu(),
    new Dropout(0.5, layers.seed),
    layers.linear(hidden, hidden),
    relu(),
    new Dropout(0.5, layers.seed),
    layers.linear(hidden, layers.classes),
  );
}

/** 138,357,544 parameters. */
export const vgg16 = (options: NetOptions = {}): Sequential => vgg([2, 2, 3, 3, 3], options);
/** 143,667,240 parameters. */
export const vgg19 = (options: NetOptions = {}): Sequential => vgg([2, 2, 4, 4, 4], options);

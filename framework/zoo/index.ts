// The zoo: well-known nets for images of 1000 classes, with random initial weights.

import type { Sequential } from '../nn/index.ts';
import { alexnet } from './alexnet.ts';
import type { NetOptions } from './layers.ts';
import { resnet18, resnet34, resnet50 } from './resnet.ts';
import { vgg16, vgg19 } from './vgg.ts';

export { alexnet } from './alexnet.ts';
export { checked, computed, resultOf, smallOf } from './expected.ts';
export type { NetOptions } from './layers.ts';
export {
  classesOf,
  graphOf,
  graphOfNet,
  imageShape,
  imagesOf,
  type Model,
  type ModelGraph,
  netOf,
  parameterCount,
} from './model.ts';
export { Residual, resnet18, resnet34, resnet50 } from './resnet.ts';
export { vgg16, vgg19 } from './vgg.ts';

/** Every net, by its name. */
export const nets: Readonly<Record<string, (options?: NetOptions) => Sequential>> = { alexnet, vgg16, vgg19, resnet18, resnet34, resnet50 };

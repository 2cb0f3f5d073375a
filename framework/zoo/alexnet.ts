// AlexNet as it was published (Krizhevsky et al. 2012) and as Caffe's bvlc_alexnet has it: two groups, from the time when a net was split over two cards, and
// local response normalisation. It is the net of the cnn-benchmarks table, not torchvision's one-column variant (61,100,840 parameters, no groups).
//
//   images [N, 3, 224, 224] -> 96@54 -> 256@27 -> 384@13 -> 384@13 -> 256@13 -> 256@6 -> 4096 -> 4096 -> classes

import { Dropout, Flatten, MaxPool2d, Module, relu, Sequential } from '../nn/index.ts';
import { localResponseNorm } from '../ops/index.ts';
import type { Tensor } from '../tensor.ts';
import { Layers, type NetOptions } from './layers.ts';

class ResponseNorm extends Module {
  forward(x: Tensor): Tensor {
    return localResponseNorm(x);
  }
}

/** Windows of 3, two apart, over an image of `size`; the last may reach beyond the edge, as Caffe's do. */
function pool(size: number): { readonly layer: MaxPool2d; readonly size: number } {
  const beyond = (size - 3) % 2;
  return { layer: new MaxPool2d(3, { stride: 2, padding: [0, beyond, 0, beyond] }), size: (size + beyond - 3) / 2 + 1 };
}

/** 60,965,224 parameters. Throws a RangeError for images smaller than 63, which the pools leave nothing of. */
export function alexnet(options: NetOptions = {}): Sequential {
  const layers = new Layers(options);
  if (layers.size < 63) throw new RangeError(`alexnet: images are ${layers.size} pixels wide, expected at least 63`);
  const [first, second, third, fifth, hidden] = [96, 256, 384, 256, 4096].map((channels) => layers.wide(channels));
  const pools = [pool(Math.floor((layers.size - 11) / 4) + 1)];
  for (let i = 0; i < 2; i++) pools.push(pool(pools[i].size));
  return new Sequential(
    layers.conv(3, first, 11, { stride: 4 }),
    relu(),
    new ResponseNorm(),
    pools[0].layer,
    layers.conv(first, second, 5, { padding: 2, groups: 2 }),
    relu(),
    new ResponseNorm(),
    pools[1].layer,
    layers.conv(second, third, 3, { padding: 1 }),
    relu(),
    layers.conv(third, third, 3, { padding: 1, groups: 2 }),
    relu(),
    layers.conv(third, fifth, 3, { padding: 1, groups: 2 }),
    relu(),
    pools[2].layer,
    new Flatten(),
    layers.linear(fifth * pools[2].size ** 2, hidden),
    relu(),
    new Dropout(0.5, layers.seed),
    layers.linear(hidden, hidden),
    relu(),
    new Dropout(0.5, layers.seed),
    layers.linear(hidden, layers.classes),
  );
}

// Conv2d: images [N, C, H, W] by learned filters [K, C / groups, R, S], with the bias added as the kernel stores.

import type { Place } from '../devices.ts';
import { type ConvWindow, conv2d } from '../ops/conv.ts';
import type { Tensor } from '../tensor.ts';
import { type Init, uniformWithin } from './init.ts';
import { held, Module } from './module.ts';

export interface Conv2dLayerOptions extends ConvWindow {
  readonly device?: Place;
  /** True if absent. */
  readonly bias?: boolean;
  /** Of the initial weights; 0 if absent. Layers of one net should differ in it. */
  readonly seed?: number;
  /** How the filters start, such as `heNormal`; uniform within 1 / √(inputs of a filter), PyTorch's default, if absent. */
  readonly init?: Init;
  /** max(x, 0) after the bias, in the same kernel; false if absent. */
  readonly relu?: boolean;
}

export class Conv2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  readonly window: ConvWindow;
  readonly relu: boolean;

  /** `size` is the filter's: one number, or [vertical, horizontal]. Throws a RangeError where groups do not divide the channels. */
  constructor(channels: number, filters: number, size: number | readonly [number, number], options: Conv2dLayerOptions = {}) {
    super();
    const { device, bias = true, seed = 0, init, relu = false, ...window } = options;
    const { groups = 1 } = window;
    if (channels % groups !== 0 || filters % groups !== 0)
      throw new RangeError(`Conv2d: ${groups} groups do not divide ${channels} channels and ${filters} filters`);
    const [vertical, horizontal] = typeof size === 'number' ? [size, size] : size;
    const shape = [filters, channels / groups, vertical, horizontal];
    const bound = 1 / Math.sqrt(shape[1] * vertical * horizontal);
    this.weight = held(init ? init(shape, { device, seed, stream: 0 }) : uniformWithin(shape, bound, { device, seed, stream: 0 }));
    this.bias = bias ? held(uniformWithin([filters], bound, { device, seed, stream: 1 })) : undefined;
    this.window = window;
    this.relu = relu;
  }

  /** [N, channels, H, W] to [N, filters, H', W']. */
  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, { ...this.window, bias: this.bias, relu: this.relu });
  }
}

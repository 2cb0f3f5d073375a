// The net of a training as a module, with its initial weights.

import { parametersOf, type Training, type TrainingData } from '../../framework/exact/training.ts';
import { nn, scope, tensor } from '../../framework/index.ts';
import type { Device } from '../../kernels/device.ts';

/** The layers one after another; a ReLU belongs to the layer before it where that has weights. */
function layersOf({ layers }: Training, device: Device): nn.Layer[] {
  return layers.flatMap((layer, i) => {
    const relu = layers[i + 1]?.kind === 'relu';
    switch (layer.kind) {
      case 'linear':
        return new nn.Linear(layer.inputs, layer.outputs, { device, bias: layer.bias, relu });
      case 'conv2d':
        return new nn.Conv2d(layer.inputs, layer.outputs, layer.window, { device, padding: layer.padding, relu });
      case 'maxPool2d':
        return new nn.MaxPool2d(layer.window);
      case 'flatten':
        return new nn.Flatten();
      case 'relu':
        return i > 0 && 'inputs' in layers[i - 1] ? [] : nn.relu();
    }
  });
}

/** A net that starts with the parameters in `data`; linear layers store theirs transposed. */
export function netOf(training: Training, data: TrainingData, device: Device): nn.Sequential {
  const net = new nn.Sequential(...layersOf(training, device));
  const paths = Object.keys(net.stateDict());
  scope(() => {
    const state = parametersOf(training).map(({ name, shape }, i) => {
      const values = tensor(data[name], { device, shape });
      return [paths[i], shape.length === 2 ? values.transpose() : values];
    });
    net.loadStateDict(Object.fromEntries(state));
  });
  return net;
}

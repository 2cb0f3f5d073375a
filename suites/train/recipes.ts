// The recipes by which nets are trained on MNIST. They were chosen on the last 10,000 of the 60,000 training images, and are fixed: the test images had no say.

import { nn, optim } from '../../framework/index.ts';
import { MnistCnn } from '../../framework/zoo/mnist-cnn.ts';
import type { Device } from '../../kernels/device.ts';

export interface Recipe {
  readonly epochs: number;
  readonly batch: number;
  /** Highest learning rate of Adam: it rises over a tenth of the steps, then falls along half a cosine. */
  readonly rate: number;
  /** Pixels by which images are moved at random, each way in both directions, anew in each epoch. */
  readonly shift: number;
  /** Accuracy on the test images that it was made to reach. */
  readonly target: number;
  /** Training and test images that are used: the first ones; all if absent. */
  readonly images?: { readonly train: number; readonly test: number };
}

export interface TrainedModel {
  readonly recipe: Recipe;
  /** Seconds that an epoch of all images takes about, on two threads; for predictions. */
  readonly epochSeconds: number;
  net(device: Device, seed: number): nn.Module & { forward: nn.Layer['forward'] };
}

/** Pixels of a side, and classes. */
export const [SIDE, CLASSES] = [28, 10];
/** Units of the hidden layer, as in the lecture. */
const HIDDEN = 100;

export const MODELS: Readonly<Record<string, TrainedModel>> = {
  'mnist-cnn': {
    recipe: { epochs: 6, batch: 100, rate: 0.003, shift: 2, target: 0.99 },
    epochSeconds: 12,
    net: (device, seed) => new MnistCnn({ device, seed }),
  },
  'two-layer': {
    recipe: { epochs: 12, batch: 100, rate: 0.004, shift: 1, target: 0.98 },
    epochSeconds: 0.7,
    net: (device, seed) =>
      new nn.Sequential(
        new nn.Flatten(),
        new nn.Linear(SIDE * SIDE, HIDDEN, { device, seed: 2 * seed, init: nn.heNormal, relu: true }),
        new nn.Linear(HIDDEN, CLASSES, { device, seed: 2 * seed + 1 }),
      ),
  },
};

/** The learning rate of each of `steps` steps. */
export function rateOf({ rate }: Recipe, steps: number): optim.Schedule {
  const rising = Math.ceil(steps / 10);
  return optim.warmUp(rising, optim.cosineDecay(rate, steps - rising));
}

export const recipeText = ({ epochs, batch, rate, shift }: Recipe): string =>
  `${epochs} epochs, batch ${batch}, Adam ${rate} with warm-up and cosine, images moved by up to ${shift}`;

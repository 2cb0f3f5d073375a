// TensorFlow.js: training steps of nets of linear layers. Its WebAssembly backend has no gradient of a convolution's filter.

import { registerHooks } from 'node:module';
import { parametersOf, shapesOf } from '../../framework/exact/training.ts';
import type { Inputs, Place, TrainStepCase } from './peer.ts';
import type { Computation, Tensor, TensorFlow } from './tfjs.ts';

/** Why it cannot train the net, or undefined if it can. */
export function trainingRefusal({ training: { layers, loss } }: TrainStepCase): string | undefined {
  const other = layers.find(({ kind }) => kind !== 'linear' && kind !== 'relu');
  if (other) return `it is compared in training nets of linear layers, not of ${other.kind}`;
  return loss === 'mse' ? undefined : `it is compared in the loss mse, not in ${loss}`;
}

/** Registers the gradients of tfjs-core. Its bundle for Node leaves them out, and the modules that have them name each other without extensions. */
function registerGradients(place: Place): void {
  const isBare = (specifier: string, parent = '') => parent.includes('/tfjs-core/dist/') && /^\.{1,2}\/(?!.*\.js$)/.test(specifier);
  const hooks = registerHooks({
    resolve: (specifier, context, next) => next(isBare(specifier, context.parentURL) ? `${specifier}.js` : specifier, context),
  });
  try {
    place.load('@tensorflow/tfjs-core/dist/register_all_gradients.js');
  } finally {
    hooks.deregister();
  }
}

/** A step of its own optimizer, as its users write it; gives the loss. */
export function trainStep(tf: TensorFlow, place: Place, { training }: TrainStepCase, inputs: Inputs): Computation {
  registerGradients(place);
  const shapes = shapesOf(training);
  const tensors = Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, tf.tensor(values, shapes[name], 'float32')]));
  const variables = Object.fromEntries(parametersOf(training).map(({ name }) => [name, tf.variable(tensors[name])]));
  const optimizer = tf.train.sgd(training.rate);

  const forward = (x: Tensor): Tensor =>
    training.layers.reduce((values, { kind }, i) => {
      if (kind === 'relu') return tf.relu(values);
      const product = tf.matMul(values, variables[`${i}.weight`]);
      const bias = variables[`${i}.bias`];
      return bias ? tf.add(product, bias) : product;
    }, x);
  const loss = () => tf.mean(tf.squaredDifference(forward(tensors.x), tensors.y));

  return {
    compute: () => optimizer.minimize(loss, true)!,
    free() {
      for (const tensor of [...Object.values(tensors), ...Object.values(variables)]) tensor.dispose();
      optimizer.dispose();
    },
  };
}

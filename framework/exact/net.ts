// Nets in plain float64: forward, the chain rule back, gradient descent. Slow and obvious: the oracle of every training step.

import type { Shape } from '../shape.ts';
import { crossEntropyLoss, squaredLoss } from './loss.ts';
import { type Layer, parametersOf, shapeAfter, type Training, type TrainingData } from './training.ts';

type Numbers = Float64Array<ArrayBuffer>;

/** A layer applied to a batch: what it puts out, and how gradients pass it. */
interface Pass {
  readonly output: Numbers;
  /** The input's gradient from the output's; adds to those of the parameters. */
  back(upstream: Numbers): Numbers;
}

/** A layer's parameters, or their gradients. */
interface Weights {
  readonly weight: Numbers;
  readonly bias?: Numbers;
}

/** y = x · w + b, by rows of w: y[i] += x[i, p] w[p]. */
function linear(x: Numbers, { weight, bias }: Weights, gradient: Weights, inputs: number, outputs: number): Pass {
  const rows = x.length / inputs;
  const output = new Float64Array(rows * outputs);
  if (bias) for (let i = 0; i < rows; i++) output.set(bias, i * outputs);
  for (let i = 0; i < rows; i++)
    for (let p = 0; p < inputs; p++) {
      const [value, from, to] = [x[i * inputs + p], p * outputs, i * outputs];
      for (let j = 0; j < outputs; j++) output[to + j] += value * weight[from + j];
    }
  return {
    output,
    back(upstream) {
      const [input, byWeight] = [new Float64Array(x.length), gradient.weight];
      for (let i = 0; i < rows; i++) {
        const g = upstream.subarray(i * outputs, (i + 1) * outputs);
        for (let p = 0; p < inputs; p++) {
          const [value, row] = [x[i * inputs + p], p * outputs];
          let sum = 0;
          for (let j = 0; j < outputs; j++) sum += g[j] * weight[row + j];
          for (let j = 0; j < outputs; j++) byWeight[row + j] += value * g[j];
          input[i * inputs + p] = sum;
        }
      }
      if (gradient.bias) for (let at = 0; at < upstream.length; at++) gradient.bias[at % outputs] += upstream[at];
      return input;
    },
  };
}

/** Filters slid over images: each weight joins rows of the input with rows of the output. */
function convolve(x: Numbers, { weight, bias }: Weights, gradient: Weights, layer: Extract<Layer, { kind: 'conv2d' }>, shape: Shape): Pass {
  const { inputs, outputs, window, padding } = layer;
  const [, height, width] = shape;
  const [, rows, columns] = shapeAfter(layer, shape);
  const images = x.length / (inputs * height * width);
  const output = new Float64Array(images * outputs * rows * columns);
  const plane = rows * columns;
  if (bias) for (let at = 0; at < output.length; at++) output[at] = bias[Math.floor(at / plane) % outputs];

  const eachRow = (visit: (weightAt: number, inputAt: number, outputAt: number, length: number) => void): void => {
    for (let n = 0; n < images; n++)
      for (let k = 0; k < outputs; k++)
        for (let c = 0; c < inputs; c++)
          for (let r = 0; r < window; r++)
            for (let s = 0; s < window; s++)
              for (let y = Math.max(0, padding - r); y < Math.min(rows, height + padding - r); y++) {
                const first = Math.max(0, padding - s);
                const inputRow = (n * inputs + c) * height + y + r - padding;
                visit(
                  ((k * inputs + c) * window + r) * window + s,
                  inputRow * width + first + s - padding,
                  ((n * outputs + k) * rows + y) * columns + first,
                  Math.min(columns, width + padding - s) - first,
                );
              }
  };
  eachRow((weightAt, inputAt, outputAt, length) => {
    for (let i = 0; i < length; i++) output[outputAt + i] += weight[weightAt] * x[inputAt + i];
  });
  return {
    output,
    back(upstream) {
      const input = new Float64Array(x.length);
      eachRow((weightAt, inputAt, outputAt, length) => {
        let sum = 0;
        for (let i = 0; i < length; i++) {
          const g = upstream[outputAt + i];
          sum += g * x[inputAt + i];
          input[inputAt + i] += g * weight[weightAt];
        }
        gradient.weight[weightAt] += sum;
      });
      if (gradient.bias) for (let at = 0; at < upstream.length; at++) gradient.bias[Math.floor(at / plane) % outputs] += upstream[at];
      return input;
    },
  };
}

/** The largest of each window, the first where several are. */
function pool(x: Numbers, window: number, [, height, width]: Shape): Pass {
  const [rows, columns] = [Math.floor(height / window), Math.floor(width / window)];
  const planes = x.length / (height * width);
  const winners = Int32Array.from({ length: planes * rows * columns }, (_, at) => {
    const [plane, row, column] = [Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns];
    let best = (plane * height + row * window) * width + column * window;
    for (let r = 0; r < window; r++)
      for (let s = 0; s < window; s++) {
        const place = (plane * height + row * window + r) * width + column * window + s;
        if (x[place] > x[best]) best = place;
      }
    return best;
  });
  return {
    output: Float64Array.from(winners, (place) => x[place]),
    back(upstream) {
      const input = new Float64Array(x.length);
      for (const [at, place] of winners.entries()) input[place] += upstream[at];
      return input;
    },
  };
}

function passOf(layer: Layer, x: Numbers, shape: Shape, weights: Weights, gradient: Weights): Pass {
  switch (layer.kind) {
    case 'linear':
      return linear(x, weights, gradient, layer.inputs, layer.outputs);
    case 'conv2d':
      return convolve(x, weights, gradient, layer, shape);
    case 'maxPool2d':
      return pool(x, layer.window, shape);
    case 'relu':
      return { output: x.map((value) => Math.max(value, 0)), back: (upstream) => upstream.map((g, i) => (x[i] > 0 ? g : 0)) };
    case 'flatten':
      return { output: x, back: (upstream) => upstream };
  }
}

/** The loss of one batch at `parameters`; `descend` then takes them a step down. */
function lossOf(training: Training, parameters: Map<string, Numbers>, { x, y }: TrainingData): { value: number; descend(): void } {
  const { example, layers, loss, rate, batch, distinct } = training;
  const size = x.length / batch;
  const gradients = new Map([...parameters].map(([name, { length }]) => [name, new Float64Array(length)]));
  const weightsAt = (values: Map<string, Numbers>, i: number): Weights => ({
    weight: values.get(`${i}.weight`)!,
    bias: values.get(`${i}.bias`),
  });
  const passes: Pass[] = [];
  let [values, shape] = [Float64Array.from(x.subarray(0, distinct * size)), example];
  for (const [i, layer] of layers.entries()) {
    const pass = passOf(layer, values, shape, weightsAt(parameters, i), weightsAt(gradients, i));
    passes.push(pass);
    [values, shape] = [pass.output, shapeAfter(layer, shape)];
  }
  // An example that occurs several times counts as often.
  const shares = Float64Array.from({ length: distinct }, (_, i) => Math.ceil((batch - i) / distinct) / batch);
  const { value, upstream } = loss === 'mse' ? squaredLoss(values, y, shares) : crossEntropyLoss(values, y, shares);
  return {
    value,
    descend() {
      passes.reduceRight((g, pass) => pass.back(g), upstream);
      for (const [name, gradient] of gradients) {
        const values = parameters.get(name)!;
        for (let i = 0; i < values.length; i++) values[i] -= rate * gradient[i];
      }
    },
  };
}

/** The loss before each step of gradient descent from `start`, a step for each batch; a step is made when the loss after it is asked for. */
export function* exactLosses(training: Training, start: TrainingData, batches: Iterable<TrainingData>): Generator<number, undefined> {
  const parameters = new Map(parametersOf(training).map(({ name }) => [name, Float64Array.from(start[name])]));
  for (const batch of batches) {
    const { value, descend } = lossOf(training, parameters, batch);
    yield value;
    descend();
  }
}

/** The losses of the first steps on the one batch in `data`. The last step is not made: its loss is known before. */
export const firstLosses = (training: Training, data: TrainingData, steps: number): number[] => {
  const batches = Array.from({ length: steps }, () => data);
  const losses = exactLosses(training, data, batches);
  return batches.map(() => losses.next().value as number);
};

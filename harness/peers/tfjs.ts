// TensorFlow.js: what its WebAssembly and WebGPU backends share. Inputs are tensors that stay on the backend.

import type { MatmulProblem } from '../../kernels/problem.ts';
import { plainRefusal } from './conv.ts';
import { asMatmul, gemmRefusal, storedShapes } from './gemm.ts';
import type { Inputs, PeerCase, PeerRun, Place } from './peer.ts';
import { convolution } from './tfjs-conv.ts';
import { trainingRefusal, trainStep } from './tfjs-train.ts';

export const TFJS_VERSION = '4.22.0';

/** The part of tfjs-core that is used here. */
export interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  removeBackend(name: string): void;
  tensor(values: Float32Array, shape: readonly number[], dtype: 'float32'): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  relu(a: Tensor): Tensor;
  mean(a: Tensor): Tensor;
  squaredDifference(a: Tensor, b: Tensor): Tensor;
  matMul(a: Tensor, b: Tensor): Tensor;
  variable(initial: Tensor): Tensor;
  readonly train: { sgd(rate: number): { minimize(loss: () => Tensor, returnCost: true): Tensor | null; dispose(): void } };
  readonly fused: {
    matMul(call: { a: Tensor; b: Tensor; transposeA: boolean; transposeB: boolean; bias?: Tensor; activation: 'linear' | 'relu' }): Tensor;
    conv2d(call: FusedConvolution): Tensor;
    depthwiseConv2d(call: FusedConvolution): Tensor;
  };
}
interface FusedConvolution {
  readonly x: Tensor;
  readonly filter: Tensor;
  readonly bias?: Tensor;
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** Before and after each dimension of NHWC. */
  readonly pad: readonly (readonly [number, number])[];
  readonly dataFormat: 'NHWC';
  readonly activation: 'linear' | 'relu';
}
export interface Tensor {
  data(): Promise<Float32Array<ArrayBuffer>>;
  dataSync(): Float32Array<ArrayBuffer>;
  dispose(): void;
}

export function tfjsRefusal(asked: PeerCase): string | undefined {
  if (asked.kind === 'train-step') return trainingRefusal(asked);
  return asked.kind === 'conv' ? plainRefusal(asked) : gemmRefusal(asked, { alpha: false });
}

/** Loads tfjs-core with one backend. Throws where the backend refuses to start. */
export async function tensorFlow(place: Place, backend: 'wasm' | 'webgpu'): Promise<TensorFlow> {
  const tf = place.load('@tensorflow/tfjs-core') as TensorFlow;
  place.load(`@tensorflow/tfjs-backend-${backend}`);
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs-${backend}: the backend does not start here`);
  await tf.ready();
  return tf;
}

export const tfjsVersions = (place: Place, backend: 'wasm' | 'webgpu'): Record<string, string> =>
  Object.fromEntries(['tfjs-core', `tfjs-backend-${backend}`].map((name) => [name, place.version(`@tensorflow/${name}`)]));

/** How a backend differs. */
export interface Backend {
  readonly place: Place;
  /** How a call waits for its result; a backend that computes at once needs none. */
  readonly wait?: <T>(promise: Promise<T>) => Promise<T>;
  /** Whether fused.matMul adds the bias rightly; where not, bias and ReLU are operations of their own. */
  fusesBias(problem: MatmulProblem): boolean;
}

/** A case as a function of no arguments, with the tensors it holds. */
export interface Computation {
  compute(): Tensor;
  /** The result's values in the case's layout, where the library has another. */
  toCase?(values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer>;
  free(): void;
}

function product(tf: TensorFlow, asked: PeerCase, inputs: Inputs, fusesBias: Backend['fusesBias']): Computation {
  const gemm = asMatmul(asked);
  const { transposeA, transposeB, epilogue } = gemm;
  const shapes = storedShapes(gemm);
  const a = tf.tensor(inputs.A, shapes.A, 'float32');
  const b = tf.tensor(inputs.B, shapes.B, 'float32');
  const bias = epilogue.bias ? tf.tensor(inputs.bias, [gemm.n], 'float32') : undefined;
  const activation = epilogue.relu ? 'relu' : 'linear';

  function unfused(bias: Tensor): Tensor {
    const ab = tf.fused.matMul({ a, b, transposeA, transposeB, activation: 'linear' });
    const sum = tf.add(ab, bias);
    ab.dispose();
    if (!epilogue.relu) return sum;
    const c = tf.relu(sum);
    sum.dispose();
    return c;
  }
  return {
    compute: bias && !fusesBias(gemm) ? () => unfused(bias) : () => tf.fused.matMul({ a, b, transposeA, transposeB, bias, activation }),
    free() {
      for (const tensor of [a, b, bias]) tensor?.dispose();
    },
  };
}

function computation(tf: TensorFlow, asked: PeerCase, inputs: Inputs, { place, fusesBias }: Backend): Computation {
  if (asked.kind === 'train-step') return trainStep(tf, place, asked, inputs);
  return asked.kind === 'conv' ? convolution(tf, asked, inputs) : product(tf, asked, inputs, fusesBias);
}

/** A call that ends when the result is on the host. */
export function tfjsRun(tf: TensorFlow, asked: PeerCase, inputs: Inputs, backend: Backend): PeerRun {
  const { compute, toCase, free } = computation(tf, asked, inputs, backend);
  const { wait } = backend;
  let result: Float32Array<ArrayBuffer> | undefined;
  async function call(through: <T>(promise: Promise<T>) => Promise<T>): Promise<void> {
    const c = compute();
    result = await through(c.data());
    c.dispose();
  }
  function callSync(): void {
    const c = compute();
    result = c.dataSync();
    c.dispose();
  }
  return {
    run: wait ? () => call(wait) : callSync,
    runUnthrottled: wait && (() => call((promise) => promise)),
    async read() {
      if (!result) await this.run();
      return toCase ? toCase(result!) : Float32Array.from(result!);
    },
    close: free,
  };
}

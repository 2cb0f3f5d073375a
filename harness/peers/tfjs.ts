// TensorFlow.js: the matmul that its WebAssembly and WebGPU backends share. Inputs are tensors that stay on the backend.

import type { MatmulProblem, Problem } from '../../kernels/problem.ts';
import { asMatmul, gemmRefusal, storedShapes } from './gemm.ts';
import type { Inputs, PeerRun, Place } from './peer.ts';

export const TFJS_VERSION = '4.22.0';

/** The part of tfjs-core that is used here. */
export interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  removeBackend(name: string): void;
  tensor(values: Float32Array, shape: readonly number[], dtype: 'float32'): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  relu(a: Tensor): Tensor;
  readonly fused: {
    matMul(call: { a: Tensor; b: Tensor; transposeA: boolean; transposeB: boolean; bias?: Tensor; activation: 'linear' | 'relu' }): Tensor;
  };
}
interface Tensor {
  data(): Promise<Float32Array<ArrayBuffer>>;
  dataSync(): Float32Array<ArrayBuffer>;
  dispose(): void;
}

export const tfjsRefusal = (problem: Problem): string | undefined => gemmRefusal(problem, { alpha: false });

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
  /** How a call waits for its result; a backend that computes at once needs none. */
  readonly wait?: <T>(promise: Promise<T>) => Promise<T>;
  /** Whether fused.matMul adds the bias rightly; where not, bias and ReLU are operations of their own. */
  fusesBias(problem: MatmulProblem): boolean;
}

/** The product as a function of no arguments, with the tensors it holds. */
function product(tf: TensorFlow, problem: Problem, inputs: Inputs, fusesBias: Backend['fusesBias']): { multiply(): Tensor; free(): void } {
  const gemm = asMatmul(problem);
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
    multiply: bias && !fusesBias(gemm) ? () => unfused(bias) : () => tf.fused.matMul({ a, b, transposeA, transposeB, bias, activation }),
    free() {
      for (const tensor of [a, b, bias]) tensor?.dispose();
    },
  };
}

/** A call that ends when the result is on the host. */
export function tfjsRun(tf: TensorFlow, problem: Problem, inputs: Inputs, { wait, fusesBias }: Backend): PeerRun {
  const { multiply, free } = product(tf, problem, inputs, fusesBias);
  let result: Float32Array<ArrayBuffer> | undefined;
  async function call(through: <T>(promise: Promise<T>) => Promise<T>): Promise<void> {
    const c = multiply();
    result = await through(c.data());
    c.dispose();
  }
  function callSync(): void {
    const c = multiply();
    result = c.dataSync();
    c.dispose();
  }
  return {
    run: wait ? () => call(wait) : callSync,
    runUnthrottled: wait && (() => call((promise) => promise)),
    async read() {
      if (!result) await this.run();
      return Float32Array.from(result!);
    },
    close: free,
  };
}

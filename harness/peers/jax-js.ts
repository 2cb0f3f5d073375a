// jax-js: JAX's ideas in TypeScript, with generated kernels. One library, two peers: WebAssembly and WebGPU.
//
// The product is jitted, so that transposes, alpha and the epilogue are fused as far as the library can.

import type { MatmulProblem } from '../../kernels/problem.ts';
import { throttled } from '../../kernels/webgpu/wait.ts';
import { asMatmul, gemmRefusal, storedShapes } from './gemm.ts';
import { provideGpu } from './navigator.ts';
import type { Inputs, OpenPeer, Peer, PeerCase, PeerRun, Place } from './peer.ts';
import { provideWorkers } from './web-worker.ts';

/** An array of jax-js. Using one consumes it; `ref` is one more reference. */
interface JaxArray {
  readonly ref: JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  add(other: JaxArray): JaxArray;
  mul(other: number): JaxArray;
  data(): Promise<Float32Array<ArrayBuffer>>;
  dispose(): void;
}

/** The part of jax-js that is used here. */
interface Jax {
  init(...devices: string[]): Promise<string[]>;
  defaultDevice(device: string): unknown;
  jit(compute: (...arrays: JaxArray[]) => JaxArray): (...arrays: JaxArray[]) => JaxArray;
  readonly numpy: {
    array(values: Float32Array): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    matrixTranspose(a: JaxArray): JaxArray;
  };
  readonly nn: { relu(a: JaxArray): JaxArray };
}

function compute({ numpy: np, nn }: Jax, { transposeA, transposeB, alpha, epilogue }: MatmulProblem) {
  return (a: JaxArray, b: JaxArray, bias?: JaxArray): JaxArray => {
    let c = np.matmul(transposeA ? np.matrixTranspose(a) : a, transposeB ? np.matrixTranspose(b) : b);
    if (alpha !== 1) c = c.mul(alpha);
    if (bias) c = c.add(bias);
    return epilogue.relu ? nn.relu(c) : c;
  };
}

type Wait = <T>(promise: Promise<T>) => Promise<T>;
const plain: Wait = (promise) => promise;

function jaxRun(jax: Jax, asked: PeerCase, inputs: Inputs, wait?: Wait): PeerRun {
  const gemm = asMatmul(asked);
  const shapes: Record<string, readonly number[]> = { ...storedShapes(gemm), bias: [gemm.n] };
  const multiply = jax.jit(compute(jax, gemm));
  const arrays = Object.entries(inputs).map(([name, values]) => jax.numpy.array(values).reshape(shapes[name]));
  let result: Float32Array<ArrayBuffer> | undefined;
  const call = async (through: Wait) => {
    result = await through(multiply(...arrays.map(({ ref }) => ref)).data());
  };
  return {
    run: () => call(wait ?? plain),
    runUnthrottled: wait && (() => call(plain)),
    async read() {
      if (!result) await call(wait ?? plain);
      return Float32Array.from(result!);
    },
    close() {
      for (const array of arrays) array.dispose();
    },
  };
}

async function open(place: Place, device: 'wasm' | 'webgpu', wait?: Wait): Promise<OpenPeer> {
  const jax = place.load('@jax-js/jax') as Jax;
  await (wait ?? plain)(jax.init(device));
  jax.defaultDevice(device);
  return {
    versions: () => ({ '@jax-js/jax': place.version('@jax-js/jax') }),
    prepare: async (asked, inputs) => jaxRun(jax, asked, inputs, wait),
    close: () => undefined,
  };
}

const common = { needs: { npm: { '@jax-js/jax': '0.1.25' } }, supports: (asked: PeerCase) => gemmRefusal(asked) };

export const jaxJsWasm: Peer = {
  ...common,
  name: 'jax-js-wasm',
  device: 'cpu',
  threaded: true,
  summary: 'jax-js, WebAssembly SIMD',
  open(place, { threads }) {
    provideWorkers(threads);
    return open(place, 'wasm');
  },
};

export const jaxJsWebgpu: Peer = {
  ...common,
  name: 'jax-js-webgpu',
  device: 'webgpu',
  threaded: false,
  summary: 'jax-js, WebGPU',
  async open(place) {
    const adapter = await provideGpu();
    const peer = await open(place, 'webgpu', throttled);
    return { ...peer, versions: () => ({ ...peer.versions(), adapter }) };
  },
};

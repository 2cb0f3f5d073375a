// onnxruntime's common API, which onnxruntime-node and onnxruntime-web share: a session on one matmul model.

import type { Problem } from '../../kernels/problem.ts';
import { asMatmul, storedShapes } from './gemm.ts';
import { matmulModel } from './onnx.ts';
import type { Inputs, PeerRun } from './peer.ts';

/** The part of onnxruntime-common that is used here. */
export interface OnnxRuntime {
  readonly env: { wasm: Record<string, unknown>; logLevel?: string };
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => Tensor;
}
interface Tensor {
  readonly data: Float32Array<ArrayBuffer>;
}
interface Session {
  run(feeds: Record<string, Tensor>): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/** Microseconds that idle threads spin for the next call. Its own are tens of milliseconds: a parked arm would disturb the others. */
const SPIN_US = '1000';

/** A session that multiplies `inputs`; every call takes them from the host and gives the result back to it. */
export async function onnxRun(runtime: OnnxRuntime, options: object, problem: Problem, inputs: Inputs): Promise<PeerRun> {
  const gemm = asMatmul(problem);
  const session = await runtime.InferenceSession.create(matmulModel(gemm), {
    executionMode: 'sequential',
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    extra: { session: { intra_op: { spin_duration_us: SPIN_US } } },
    ...options,
  });
  const shapes: Record<string, readonly number[]> = { ...storedShapes(gemm), bias: [gemm.n] };
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, data]) => [name, new runtime.Tensor('float32', data, shapes[name])]));
  let result: Tensor | undefined;
  return {
    async run() {
      result = (await session.run(feeds)).C;
    },
    async read() {
      result ??= (await session.run(feeds)).C;
      return Float32Array.from(result.data);
    },
    close: () => session.release(),
  };
}

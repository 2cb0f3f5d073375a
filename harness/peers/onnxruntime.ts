// onnxruntime's common API, which onnxruntime-node and onnxruntime-web share: a session on the model of one case.

import { forwardOnly } from './conv.ts';
import { gemmRefusal } from './gemm.ts';
import { onnxModel } from './onnx.ts';
import { onnxGraph } from './onnx-graphs.ts';
import type { Inputs, PeerCase, PeerRun } from './peer.ts';

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

export function onnxRefusal(asked: PeerCase): string | undefined {
  if (asked.kind === 'model') return asked.pass === 'forward' ? undefined : 'it does not train';
  return asked.kind === 'conv' ? forwardOnly(asked) : gemmRefusal(asked);
}

/** A session on a case; every call takes the inputs from the host and gives the result back to it. */
export async function onnxRun(runtime: OnnxRuntime, options: object, asked: PeerCase, inputs: Inputs): Promise<PeerRun> {
  const graph = onnxGraph(asked, inputs);
  const session = await runtime.InferenceSession.create(onnxModel(graph), {
    executionMode: 'sequential',
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    extra: { session: { intra_op: { spin_duration_us: SPIN_US } } },
    ...options,
  });
  const feeds = Object.fromEntries(graph.inputs.map(({ name, shape }) => [name, new runtime.Tensor('float32', inputs[name], shape)]));
  let result: Tensor | undefined;
  return {
    async run() {
      result = (await session.run(feeds))[graph.output.name];
    },
    async read() {
      result ??= (await session.run(feeds))[graph.output.name];
      return Float32Array.from(result.data);
    },
    close: () => session.release(),
  };
}

// onnxruntime-web: the same runtime compiled to WebAssembly SIMD, with threads. Each call copies its operands into the module's heap and back.

import { type OnnxRuntime, onnxRefusal, onnxRun } from './onnxruntime.ts';
import type { Peer } from './peer.ts';

export const onnxruntimeWeb: Peer = {
  name: 'onnxruntime-web',
  device: 'cpu',
  threaded: true,
  summary: 'ONNX Runtime, WebAssembly SIMD',
  needs: { npm: { 'onnxruntime-web': '1.30.0' } },
  supports: onnxRefusal,
  async open(place, { threads }) {
    const runtime = place.load('onnxruntime-web') as OnnxRuntime;
    // Read once, when the first session loads the module.
    runtime.env.wasm.numThreads = threads;
    return {
      versions: () => ({ 'onnxruntime-web': place.version('onnxruntime-web') }),
      prepare: (asked, inputs) => onnxRun(runtime, { executionProviders: ['wasm'] }, asked, inputs),
      close: () => undefined,
    };
  },
};

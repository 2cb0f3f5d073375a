// onnxruntime-node: Microsoft's runtime as native code (MLAS kernels, AVX-512 where the CPU has it).

import { type OnnxRuntime, onnxRefusal, onnxRun } from './onnxruntime.ts';
import type { Peer } from './peer.ts';

export const onnxruntimeNode: Peer = {
  name: 'onnxruntime-node',
  device: 'cpu',
  threaded: true,
  summary: 'ONNX Runtime, native CPU kernels (MLAS)',
  needs: { npm: { 'onnxruntime-node': '1.30.0' } },
  supports: onnxRefusal,
  async open(place, { threads }) {
    const runtime = place.load('onnxruntime-node') as OnnxRuntime;
    return {
      versions: () => ({ 'onnxruntime-node': place.version('onnxruntime-node') }),
      prepare: (asked, inputs) => onnxRun(runtime, { executionProviders: ['cpu'], intraOpNumThreads: threads }, asked, inputs),
      close: () => undefined,
    };
  },
};

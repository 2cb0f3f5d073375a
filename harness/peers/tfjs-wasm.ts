// TensorFlow.js on WebAssembly SIMD (XNNPACK). In Node it runs on one thread: it switches its threads off there (tensorflow/tfjs#3830).

import type { MatmulProblem } from '../../kernels/problem.ts';
import type { Peer } from './peer.ts';
import { TFJS_VERSION, tensorFlow, tfjsRefusal, tfjsRun, tfjsVersions } from './tfjs.ts';

/** The backend drops the bias of a fused product that is batched or transposed (measured with 4.22.0: errors of the order of the bias). */
const fusesBias = ({ batch, transposeA, transposeB }: MatmulProblem): boolean => batch === 1 && !transposeA && !transposeB;

export const tfjsWasm: Peer = {
  name: 'tfjs-wasm',
  device: 'cpu',
  threaded: false,
  summary: 'TensorFlow.js, WebAssembly SIMD (XNNPACK), one thread in Node',
  needs: { npm: { '@tensorflow/tfjs-core': TFJS_VERSION, '@tensorflow/tfjs-backend-wasm': TFJS_VERSION } },
  supports: tfjsRefusal,
  async open(place) {
    const tf = await tensorFlow(place, 'wasm');
    return {
      versions: () => tfjsVersions(place, 'wasm'),
      prepare: async (asked, inputs) => tfjsRun(tf, asked, inputs, { place, fusesBias }),
      close: () => tf.removeBackend('wasm'),
    };
  },
};

// TensorFlow.js on WebGPU, over the same adapter as our own device.

import { throttled } from '../../kernels/webgpu/wait.ts';
import { provideGpu } from './navigator.ts';
import type { Peer } from './peer.ts';
import { TFJS_VERSION, tensorFlow, tfjsRefusal, tfjsRun, tfjsVersions } from './tfjs.ts';

export const tfjsWebgpu: Peer = {
  name: 'tfjs-webgpu',
  device: 'webgpu',
  threaded: false,
  summary: 'TensorFlow.js, WebGPU',
  needs: { npm: { '@tensorflow/tfjs-core': TFJS_VERSION, '@tensorflow/tfjs-backend-webgpu': TFJS_VERSION } },
  supports: tfjsRefusal,
  async open(place) {
    const adapter = await provideGpu();
    const tf = await throttled(tensorFlow(place, 'webgpu'));
    return {
      versions: () => ({ ...tfjsVersions(place, 'webgpu'), adapter }),
      prepare: async (asked, inputs) => tfjsRun(tf, asked, inputs, { place, wait: throttled, fusesBias: () => true }),
      close: () => tf.removeBackend('webgpu'),
    };
  },
};

// Libraries for the web look for `navigator.gpu`. In Node it is put there: the same instance that our own WebGPU device uses.

import { findAdapter } from '../../kernels/webgpu/provider.ts';

/** Puts `navigator.gpu` in place; must run before the library loads. Returns the adapter's name. Throws a DeviceError where there is no adapter. */
export async function provideGpu(): Promise<string> {
  const { adapter, gpu } = await findAdapter();
  // Node's navigator has getters only, so assigning would do nothing.
  if (globalThis.navigator.gpu === undefined) Object.defineProperty(globalThis.navigator, 'gpu', { value: gpu, configurable: true });
  const { vendor, architecture, device, description } = adapter.info;
  return description || device || `${vendor} ${architecture}`.trim();
}

// The device that tests run on: any adapter. A machine without one skips them and says what to install; where CI is set it must have one.

import { DeviceError } from '../device.ts';
import { openWebgpu, type WebgpuDevice } from './device.ts';

/** A device for tests, or undefined where they are to be skipped; throws the reason where the environment variable CI is set. */
export async function webgpuForTests(): Promise<WebgpuDevice | undefined> {
  try {
    return await openWebgpu();
  } catch (error) {
    if (!(error instanceof DeviceError) || process.env.CI) throw error;
    console.log(`skipped: ${error.message}`);
    return undefined;
  }
}

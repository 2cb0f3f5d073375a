// Training steps as the harness calls them: a step a call, the first losses checked against float64.

import { firstLosses } from '../../framework/exact/net.ts';
import { type Training, trainingData } from '../../framework/exact/training.ts';
import type { Work } from '../../harness/suite.ts';
import type { DeviceKind } from '../../kernels/kernel.ts';
import { type DeviceOptions, openDevice } from '../../kernels/open.ts';
import type { Steps } from './steps.ts';

/** Steps whose losses are compared with float64. */
const CHECKED = 3;
/** How far a loss may lie from that in float64, as a share of it. */
const BOUND = 1e-5;

/** Opens the device and starts the training on it, from the data of `seed` that peers get too. */
export async function workOf(steps: Steps, training: Training, seed: number, kind: DeviceKind, options: DeviceOptions): Promise<Work> {
  const device = await openDevice(kind, options);
  const data = trainingData(training, seed);
  const trained = steps(training, data, device);
  const losses: number[] = [];
  let error = 0;
  const run = async () => {
    const { value } = await trained.next();
    if (losses.length < CHECKED) losses.push(value);
  };
  return {
    run,
    async verify() {
      while (losses.length < CHECKED) await run();
      const expected = firstLosses(training, data, CHECKED);
      const errors = losses.map((loss, step) => Math.abs(loss - expected[step]) / expected[step]);
      const step = errors.findIndex((one) => !(one <= BOUND));
      if (step >= 0) return `the loss of step ${step} is ${losses[step]}, expected ${expected[step]} within ${BOUND} of it`;
      error = Math.max(...errors);
      return undefined;
    },
    async facts() {
      const before = device.memory();
      await run();
      const { writtenBytes, readBytes, peakBytes } = device.memory();
      const [bytesH2d, bytesD2h] = [writtenBytes - before.writtenBytes, readBytes - before.readBytes];
      return { bytesH2d, bytesD2h, peakBytes, maxRelErr: error };
    },
    async close() {
      await trained.return(undefined);
      await device.close();
    },
  };
}

// A rung as the harness calls it: a step a call, its losses checked against float64, and what a step moves.

import type { Facts, Work } from '../../harness/suite.ts';
import type { DeviceKind } from '../../kernels/kernel.ts';
import { openDevice } from '../../kernels/open.ts';
import { costOf } from '../cost.ts';
import type { LadderRung } from './ladder.ts';
import { type Start, twoLayer } from './start.ts';

/** Steps whose losses are compared with float64, and those after which `final_loss` is taken. */
const CHECKED = 5;
const STEPS = 50;
/** How far a loss may lie from that in float64, as a share of it. */
const BOUND = 1e-5;

/** Opens the device and starts the training on it. */
export async function workOf({ train, exact, batch }: LadderRung, start: Start, kind: DeviceKind, threads?: number): Promise<Work> {
  const device = await openDevice(kind, { threads });
  const training = train(start, device);
  const losses: number[] = [];
  const run = async () => {
    const { value } = await training.next();
    if (losses.length < STEPS) losses.push(value);
  };
  return {
    run,
    async verify() {
      while (losses.length < STEPS) await run();
      const expected = exact(start, device);
      for (const [step, loss] of losses.slice(0, CHECKED).entries()) {
        const { value } = await expected.next();
        if (!(Math.abs(loss - value) <= BOUND * value))
          return `the loss of step ${step} is ${loss}, expected ${value} within ${BOUND} of it`;
      }
      return undefined;
    },
    async facts(): Promise<Facts> {
      const before = device.memory();
      await run();
      const { writtenBytes, readBytes, peakBytes } = device.memory();
      return {
        bytesH2d: writtenBytes - before.writtenBytes,
        bytesD2h: readBytes - before.readBytes,
        peakBytes: peakBytes || undefined,
        cost: costOf(twoLayer(batch ?? start.N, start.D, start.H)),
        extra: { final_loss: losses[STEPS - 1] },
      };
    },
    async close() {
      await training.return(undefined);
      await device.close();
    },
  };
}

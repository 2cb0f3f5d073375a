// A step as the harness calls it: its first losses checked against float64, its bytes against what the graph says must move.

import { firstLosses } from '../../framework/exact/net.ts';
import { type Training, trainingData } from '../../framework/exact/training.ts';
import type { Facts, Work } from '../../harness/suite.ts';
import type { DeviceKind } from '../../kernels/kernel.ts';
import { openDevice } from '../../kernels/open.ts';
import { type Crossing, type Crossings, listed, moved, mustMove, replayOf } from './crossings.ts';
import { type Form, stepsIn } from './forms.ts';

/** Steps whose losses are compared with float64, the first among them, and how far a loss may lie from that, as a share of it. */
const CHECKED = 3;
const BOUND = 1e-5;
/** Milliseconds in which steps and their crossings are timed in turn, the least and the most rounds of that; a step that does not fit is not made again. */
const SHARE_MS = 500;
const LEAST_ROUNDS = 3;
const MOST_ROUNDS = 50;

const NAMES: Readonly<Record<keyof Crossings, string>> = {
  toDevice: 'bytes to the device',
  toHost: 'bytes to the host',
  writes: 'writes',
  reads: 'reads',
};

/** Opens the device and starts the training in a form. */
export async function workOf(form: Form, training: Training, seed: number, kind: DeviceKind, threads?: number): Promise<Work> {
  const device = await openDevice(kind, { threads });
  const data = trainingData(training, seed);
  const steps = stepsIn(form, training, data, device);
  const losses: number[] = [];
  const run = async (): Promise<void> => {
    const { value } = await steps.next();
    if (losses.length < CHECKED) losses.push(value);
  };
  /** Nanoseconds of steps after the first. */
  const times: number[] = [];
  const timed = async (): Promise<void> => {
    const began = performance.now();
    await run();
    times.push((performance.now() - began) * 1e6);
  };
  let crossings: Crossing[] = [];

  async function verify(): Promise<string | undefined> {
    while (losses.length < CHECKED - 1) await timed();
    const found = await moved(device, async () => {
      crossings = await listed(device, timed);
    });
    const strays = firstLosses(training, data, CHECKED).flatMap((expected, step) =>
      Math.abs(losses[step] - expected) <= BOUND * expected
        ? []
        : [`the loss of step ${step} is ${losses[step]}, expected ${expected} within ${BOUND} of it`],
    );
    return strays[0] ?? unlike(found, mustMove(form, training));
  }

  async function facts(): Promise<Facts> {
    const { toDevice, toHost, writes, reads } = mustMove(form, training);
    // Before the replay, whose buffers are none of the step's.
    const { peakBytes } = device.memory();
    const replay = await replayOf(device, crossings);
    const copies: number[] = [];
    const end = performance.now() + SHARE_MS;
    while (copies.length < LEAST_ROUNDS || (copies.length < MOST_ROUNDS && performance.now() < end)) {
      copies.push(await replay.once());
      if (performance.now() + times[times.length - 1] / 1e6 < end) await timed();
    }
    replay.close();
    const [copyNs, stepNs] = [median(copies), median(times)];
    return {
      bytesH2d: toDevice,
      bytesD2h: toHost,
      peakBytes,
      extra: { crossings: writes + reads, copy_ms: copyNs / 1e6, copy_pct: (100 * copyNs) / stepNs },
    };
  }

  return {
    run,
    verify,
    facts,
    async close() {
      await steps.return(undefined);
      await device.close();
    },
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1];

/** How what was moved differs from what must be; undefined where it does not. */
function unlike(found: Crossings, expected: Crossings): string | undefined {
  const wrong = (Object.keys(NAMES) as (keyof Crossings)[]).find((name) => found[name] !== expected[name]);
  return wrong && `a step made ${found[wrong]} ${NAMES[wrong]}, the graph says ${expected[wrong]}`;
}

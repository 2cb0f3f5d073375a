// A step as the harness calls it: its first losses checked against float64, its bytes against what the graph says must move.

import { firstLosses } from '../../framework/exact/net.ts';
import { type Training, trainingData } from '../../framework/exact/training.ts';
import type { Facts, Work } from '../../harness/suite.ts';
import type { DeviceKind } from '../../kernels/kernel.ts';
import { openDevice } from '../../kernels/open.ts';
import { type Crossings, crossingNs, moved, mustMove } from './crossings.ts';
import { type Form, stepsIn } from './forms.ts';

/** Steps whose losses are compared with float64, and how far a loss may lie from that, as a share of it. */
const CHECKED = 3;
const BOUND = 1e-5;
/** Nanoseconds in which steps and their crossings are timed beside each other, and rounds of that. */
const SHARE_NS = 0.3e9;
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

  async function facts(): Promise<Facts> {
    const { toDevice, toHost, writes, reads } = mustMove(form, training);
    const began = performance.now();
    await run();
    const onceNs = (performance.now() - began) * 1e6;
    const rounds = Math.max(1, Math.min(MOST_ROUNDS, Math.floor(SHARE_NS / onceNs)));
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const start = performance.now();
      await run();
      times.push((performance.now() - start) * 1e6);
    }
    const stepNs = times.sort((a, b) => a - b)[times.length >> 1];
    const copyNs = await crossingNs(device, run, rounds);
    return {
      bytesH2d: toDevice,
      bytesD2h: toHost,
      peakBytes: device.memory().peakBytes,
      extra: { crossings: writes + reads, copy_ms: copyNs / 1e6, copy_pct: (100 * copyNs) / stepNs },
    };
  }

  return {
    run,
    async verify() {
      while (losses.length < CHECKED) await run();
      const strays = firstLosses(training, data, CHECKED).flatMap((expected, step) =>
        Math.abs(losses[step] - expected) <= BOUND * expected
          ? []
          : [`the loss of step ${step} is ${losses[step]}, expected ${expected} within ${BOUND} of it`],
      );
      return strays[0] ?? unlike(await moved(device, run), mustMove(form, training));
    },
    facts,
    async close() {
      await steps.return(undefined);
      await device.close();
    },
  };
}

/** How what was moved differs from what must be; undefined where it does not. */
function unlike(found: Crossings, expected: Crossings): string | undefined {
  const wrong = (Object.keys(NAMES) as (keyof Crossings)[]).find((name) => found[name] !== expected[name]);
  return wrong && `a step made ${found[wrong]} ${NAMES[wrong]}, the graph says ${expected[wrong]}`;
}

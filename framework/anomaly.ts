// Anomaly detection: while it is on, the output of every op is read back, and the first op that made a NaN is named. For finding faults; it is slow.

import type { Values } from '../kernels/index.ts';
import { watchOps } from './eager.ts';
import { specText } from './layout.ts';

interface Observation {
  readonly call: string;
  readonly reading: Promise<Values>;
}

/**
 * Runs `work`, which may be async, and checks the outputs of all ops in it, those of `backward` included, and what updates change.
 *
 * Rejects with a RangeError that names the first op whose output has a NaN. Holds a copy of every output on the host until then.
 */
export async function detectAnomaly<T>(work: () => T | Promise<T>): Promise<T> {
  const seen: Observation[] = [];
  const stop = watchOps((op, operands, output) => {
    const inputs = operands.map((operand) => (typeof operand === 'number' ? `${operand}` : specText(operand)));
    seen.push({ call: `${op.name}(${inputs.join(', ')}) -> ${specText(output)}`, reading: output.read() });
  });
  let result: T;
  try {
    result = await work();
  } finally {
    stop();
  }
  for (const [index, { call, reading }] of seen.entries()) {
    const place = (await reading).findIndex(Number.isNaN);
    if (place >= 0)
      throw new RangeError(
        `detectAnomaly: op ${index}, ${call}, made a NaN at element ${place}; look for a logarithm or root of what may be negative, 0 / 0, or a rate too high`,
      );
  }
  return result;
}

// The lecture suite: one net in every form of CS231n's lecture 8, by hand to data loader. What does each form cost, and what does it move?

import { type Case, type FunctionArm, type Request, type Suite, UsageError } from '../harness/suite.ts';
import type { DeviceKind } from '../kernels/kernel.ts';
import { BATCH } from './lecture/dynamic/batches.ts';
import { type LadderRung, ladder } from './lecture/ladder.ts';
import { startOf } from './lecture/start.ts';
import { workOf } from './lecture/work.ts';
import { sizesOf } from './sizes.ts';

/** The lecture's sizes. */
const SIZES: readonly (readonly number[])[] = [[64, 1000, 100]];

function armOf(rung: LadderRung, [N, D, H]: readonly number[], device: DeviceKind, { seed, threads }: Request): FunctionArm {
  const count = Math.max(...threads);
  if (rung.onHost) return { name: rung.name, device, make: () => workOf(rung, startOf(N, D, H, seed), 'cpu', 1) };
  const place = device === 'cpu' ? `cpu/${count}` : device;
  return {
    name: `${rung.name}@${place}`,
    device,
    threads: device === 'cpu' ? count : undefined,
    make: () => workOf(rung, startOf(N, D, H, seed), device, count),
  };
}

function cases(request: Request): Case[] {
  const sizes = request.shapes === undefined ? SIZES : sizesOf(request.shapes, 'NxDxH');
  const few = sizes.find(([N]) => N < BATCH);
  if (few) throw new UsageError(`--shapes: N of '${few.join('x')}' is ${few[0]}, expected at least ${BATCH}, which is a minibatch`);
  return sizes.flatMap((size) =>
    request.devices.flatMap((device) =>
      (['static', 'dynamic'] as const).map((style): Case => {
        const rungs = ladder.filter((rung) => rung.style === style && !(rung.onHost && device !== 'cpu'));
        return {
          name: `lecture/${style}/${size.join('x')}/${device}`,
          arms: rungs.map((rung) => armOf(rung, size, device, request)),
          dtype: 'f32',
        };
      }),
    ),
  );
}

const suite: Suite = {
  name: 'lecture',
  question: 'What does each form of one training program cost, and what does it move?',
  cases,
};

export default suite;

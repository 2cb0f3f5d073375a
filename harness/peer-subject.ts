// A peer library as a subject: handed the same seeded operands as our kernels, and checked by the same bound.

import { exerciseOf } from './peer-exercise.ts';
import type { OpenPeer, PeerRun } from './peers/peer.ts';
import type { CaseOrder, Figure } from './protocol.ts';
import { nowNs, type Subject } from './subject.ts';

/** Hands a case to a peer, calls it once and checks the result. Throws an ArmFailure 'wrong' where it errs. */
export async function peerSubject(peer: OpenPeer, order: CaseOrder, onGpu: boolean): Promise<Subject> {
  const { asked, inputs, calls, resultBytes, check } = await exerciseOf(order.asked!, order.seed);
  const began = nowNs();
  const run = await peer.prepare(asked, inputs);
  try {
    const first = run.run();
    await first;
    const coldNs = nowNs() - began;
    for (let done = 1; done < calls; done++) await run.run();
    const accuracy = check(await run.read());
    return {
      prepared: {
        coldNs,
        verified: true,
        maxRelErr: accuracy?.maxRelErr,
        bytesD2h: onGpu ? resultBytes : undefined,
        extra: accuracy && asked.kind === 'conv' ? { err_2norm: accuracy.err2norm } : undefined,
      },
      ...(run.time
        ? { asynchronous: true, batch: (iterations: number) => run.time!(iterations) }
        : first
          ? { asynchronous: true, batch: (iterations: number) => awaited(iterations, () => run.run()) }
          : { asynchronous: false, batch: (iterations: number) => returned(iterations, run) }),
      figures: run.runUnthrottled && ((iterations) => unthrottled(run, iterations)),
      close: () => run.close(),
    };
  } catch (error) {
    await run.close();
    throw error;
  }
}

function returned(iterations: number, run: PeerRun): number {
  const began = nowNs();
  for (let i = 0; i < iterations; i++) run.run();
  return (nowNs() - began) / iterations;
}

async function awaited(iterations: number, call: () => unknown): Promise<number> {
  const began = nowNs();
  for (let i = 0; i < iterations; i++) await call();
  return (nowNs() - began) / iterations;
}

/** The peer with its own way of waiting, beside the time through the wait that all WebGPU arms share. */
async function unthrottled(run: PeerRun, iterations: number): Promise<Figure[]> {
  return [{ metric: 'own_time', unit: 'ns', value: await awaited(iterations, () => run.runUnthrottled!()) }];
}

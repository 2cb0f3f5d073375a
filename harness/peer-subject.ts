// A peer library as a subject: handed the same seeded operands as our kernels, and checked by the same bound.

import { bytesPerElement, matmulOperands } from '../kernels/problem.ts';
import { checkMatmul, matmulInputs } from './operands.ts';
import type { Inputs, OpenPeer, PeerRun } from './peers/peer.ts';
import { ArmFailure, type CaseOrder, type Figure } from './protocol.ts';
import { nowNs, type Subject } from './subject.ts';

/** Hands a problem to a peer, calls it once and checks the result. Throws an ArmFailure 'wrong' where it errs. */
export async function peerSubject(peer: OpenPeer, order: CaseOrder, onGpu: boolean): Promise<Subject> {
  const problem = order.problem!;
  if (problem.op !== 'matmul') throw new ArmFailure('skipped', `peers are compared in matmul, not in ${problem.op}`);
  const inputs = matmulInputs(problem, order.seed) as Inputs;
  const began = nowNs();
  const run = await peer.prepare(problem, inputs);
  try {
    const first = run.run();
    await first;
    const coldNs = nowNs() - began;
    const maxRelErr = checkMatmul(problem, inputs, await run.read(), order.seed);
    const bytesD2h = onGpu ? matmulOperands(problem).C * bytesPerElement(problem.dtype) : undefined;
    return {
      prepared: { coldNs, verified: true, maxRelErr, bytesD2h },
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

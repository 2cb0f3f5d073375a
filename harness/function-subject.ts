// A function of a suite as a subject: called, checked by its own `verify`, asked for its `facts`, and put back by its own `reset` outside of the span.

import { launchSources } from '../kernels/launching.ts';
import { ArmFailure } from './protocol.ts';
import { nowNs, type Subject } from './subject.ts';
import type { FunctionArm, Work } from './suite.ts';

const isPromise = (value: unknown): value is Promise<unknown> => typeof (value as Promise<unknown> | undefined)?.then === 'function';

/** The last value that measured work returned. Kept where the compiler cannot prove that nobody reads it, so that it cannot drop the work. */
export let lastValue: unknown;

/** Makes the work, calls it once and verifies it; with `once` it is not called again. Throws an ArmFailure 'wrong' with what `verify` said. */
export async function functionSubject(arm: FunctionArm, once = false): Promise<Subject> {
  const before = launchSources();
  const began = nowNs();
  const work = await arm.make();
  const called = nowNs();
  const first = work.run();
  lastValue = await first;
  await work.settle?.();
  const ended = nowNs();
  await verify(work);
  const facts = await work.facts?.();
  work.reset?.();
  const asynchronous = isPromise(first) || work.settle !== undefined || work.steady !== undefined;
  return {
    prepared: { ...facts, coldNs: ended - began, verified: work.verify !== undefined, tuneSource: sourcesSince(before) },
    asynchronous,
    onlyNs: once ? ended - called : undefined,
    batch: asynchronous ? (iterations) => settled(work, iterations) : (iterations) => returned(work, iterations),
    leastIterations: work.leastCalls,
    figures: work.figures && (async () => [...(await work.figures!())]),
    close: () => work.close?.(),
  };
}

/** Where the kernels that were launched since took their tunables from: `default`, or counted where there are several sources: `default 12, exact 5`. */
function sourcesSince(before: ReadonlyMap<string, number>): string | undefined {
  const counts = [...launchSources()].map(([source, count]) => [source, count - (before.get(source) ?? 0)] as const);
  const made = counts.filter(([, count]) => count > 0).sort(([a], [b]) => (a < b ? -1 : 1));
  return made.length > 1 ? made.map(([source, count]) => `${source} ${count}`).join(', ') : made[0]?.[0];
}

async function verify(work: Work): Promise<void> {
  let complaint: string | undefined;
  try {
    complaint = await work.verify?.();
  } catch (error) {
    complaint = error instanceof Error ? error.message : String(error);
  }
  if (complaint !== undefined) throw new ArmFailure('wrong', complaint);
}

function returned(work: Work, iterations: number): number {
  let spent = 0;
  for (let done = 0; done < iterations; ) {
    // Work that is reset is timed call by call; the rest in one go.
    const calls = work.reset ? 1 : iterations;
    const began = nowNs();
    for (let i = 0; i < calls; i++) lastValue = work.run();
    spent += nowNs() - began;
    work.reset?.();
    done += calls;
  }
  return spent / iterations;
}

async function settled(work: Work, iterations: number): Promise<number> {
  await work.steady?.(iterations);
  let spent = 0;
  for (let done = 0; done < iterations; ) {
    const calls = work.settle && !work.reset ? iterations : 1;
    const began = nowNs();
    for (let i = 0; i < calls; i++) {
      const value = work.run();
      // A call that only queues returns nothing to wait for, and a turn of the event loop for each would be measured with it.
      lastValue = isPromise(value) ? await value : value;
    }
    await work.settle?.();
    spent += nowNs() - began;
    work.reset?.();
    done += calls;
  }
  return spent / iterations;
}

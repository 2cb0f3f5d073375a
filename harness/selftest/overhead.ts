// What measuring adds to what is measured: the sampler's time of a call beside that of a bare loop over the same function, by turns in one process.

import { functionSubject } from '../function-subject.ts';
import { Sampler } from '../sampler.ts';
import { median } from '../statistics.ts';
import { nowNs } from '../subject.ts';

export interface Overhead {
  /** Nanoseconds of a call by the bare loop. */
  readonly taskNs: number;
  /** What the sampler's figure is above it, as a share. */
  readonly share: number;
  /** What the sampler tells of a call that does nothing, in nanoseconds. */
  readonly emptyNs: number;
}

const SAMPLE_NS = 5e6;
const ROUNDS = 61;

/** What the bare loop has returned, so that no compiler drops it. */
export let kept = 0;

/** A chain of integer operations that no compiler shortens; all of it in registers, so that it takes as long wherever it is compiled into. */
function chain(steps: number): number {
  let state = 1;
  for (let i = 0; i < steps; i++) state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + i) | 0;
  return state;
}

function bare(task: () => number, calls: number): number {
  const began = nowNs();
  for (let i = 0; i < calls; i++) kept ^= task();
  return (nowNs() - began) / calls;
}

const samplerOf = async (run: () => number) => new Sampler(await functionSubject({ name: 'task', make: () => ({ run }) }));

/**
 * Has both loops call several functions, so that neither has the task compiled into it: a loop that knows only one may run it twice as fast, and that would be
 * counted as the other's overhead.
 */
async function meetOthers(): Promise<void> {
  for (const other of [() => 1, () => 2, () => 3, () => 4, () => 5, () => 6]) {
    bare(other, 1000);
    await (await samplerOf(other)).sample(1000);
  }
}

/** Measures the overhead on tasks of about `ns` nanoseconds. */
export async function measureOverhead(ns: number): Promise<Overhead> {
  await meetOthers();
  let steps = 1000;
  const task = () => chain(steps);
  const fit = () => {
    steps = Math.max(1, Math.round((steps * ns) / bare(task, 500)));
  };
  for (let again = 0; again < 20; again++) fit();
  const sampler = await samplerOf(task);
  await sampler.calibrate(100e6, SAMPLE_NS);
  // Compiled by now in its last form.
  fit();
  const iterations = Math.ceil(SAMPLE_NS / ns);
  const shares: number[] = [];
  const bareTimes: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Whoever comes first, so that a drift of the clock favours neither.
    const sampled = async () => (await sampler.sample(iterations))[0].value;
    const early = round % 2 === 0 ? bare(task, iterations) : undefined;
    const told = await sampled();
    const alone = early ?? bare(task, iterations);
    bareTimes.push(alone);
    shares.push(told / alone - 1);
  }
  const empty = await samplerOf(() => 0);
  const calibrated = await empty.calibrate(100e6, SAMPLE_NS);
  const empties: number[] = [];
  for (let round = 0; round < 9; round++) empties.push((await empty.sample(calibrated.iterations))[0].value);
  return { taskNs: median(bareTimes), share: median(shares), emptyNs: median(empties) };
}

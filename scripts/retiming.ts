// Configurations that are known to be right, timed beside each other once more: each of a few fresh processes compiles and proves them all, then takes
// interleaved rounds in which nobody leaves. What a search chose by is not among these samples, so they say without favour how good its choice was.

import { ARM_MODULE } from '../harness/cli/places.ts';
import type { PlannedTuning } from '../harness/cli/tune-plan.ts';
import { proofsBeside } from '../harness/tuner/proofs.ts';
import { contender, RACE, race } from '../harness/tuner/race.ts';
import { Runner } from '../harness/tuner/runner.ts';
import type { Tunables } from '../kernels/kernel.ts';
import { seededRandom } from '../kernels/random.ts';

export interface Retimed {
  readonly kernel: string;
  readonly tunables: Tunables;
}

export interface RetimingOptions {
  readonly forks?: number;
  readonly rounds?: number;
  /** Nanoseconds that a sample spans at least. */
  readonly sampleNs?: number;
}

/** Nanoseconds of a call by configuration, process and round. Throws where one of them is wrong or fails. */
export async function retime(
  planned: Pick<PlannedTuning, 'problem' | 'constants' | 'place'>,
  configurations: readonly Retimed[],
  { forks = 3, rounds = 40, sampleNs = 4e6 }: RetimingOptions = {},
): Promise<number[][][]> {
  const times: number[][][] = configurations.map(() => []);
  for (let fork = 0; fork < forks; fork++)
    for (const [i, one] of (await timedOnce(planned, configurations, { rounds, sampleNs, seed: fork + 1 })).entries()) times[i].push(one);
  return times;
}

async function timedOnce(
  { problem, constants, place }: Pick<PlannedTuning, 'problem' | 'constants' | 'place'>,
  configurations: readonly Retimed[],
  { rounds, sampleNs, seed }: { rounds: number; sampleNs: number; seed: number },
): Promise<number[][]> {
  await using runner = new Runner({
    arm: { name: `retimed@${place.name}`, kind: 'kernel', device: place.device, threads: place.threads, flags: 'tuned' },
    entry: ARM_MODULE,
    order: { problem, proofs: proofsBeside(problem), constants, seed: 1 },
    patience: 30,
    verbose: false,
    features: [...place.traits.features].sort(),
  });
  const contenders = configurations.map((_, i) => contender(String(i)));
  const [unfit] = (await runner.compile(configurations.map((one, i) => ({ id: String(i), ...one })))).filter(({ failure }) => failure);
  if (unfit) throw new Error(`${JSON.stringify(configurations[Number(unfit.id)])}: ${unfit.failure!.reason}`);
  const calls = new Map<string, number>();
  for (const { id } of contenders) {
    await runner.prove(id);
    calls.set(id, (await runner.warm(id, sampleNs, Number.POSITIVE_INFINITY)).iterations);
  }
  const rules = { ...RACE, rounds, firstLimit: Number.POSITIVE_INFINITY, slowLimit: Number.POSITIVE_INFINITY };
  const takeRound = (ids: readonly string[]) => runner.time(ids.map((id) => ({ id, iterations: calls.get(id)! })));
  await race(contenders, [], rules, { takeRound, random: seededRandom(seed), ends: () => false });
  const failed = contenders.find(({ failure }) => failure);
  if (failed) throw new Error(`${JSON.stringify(configurations[Number(failed.id)])}: ${failed.failure!.reason}`);
  return contenders.map((one) => one.times);
}

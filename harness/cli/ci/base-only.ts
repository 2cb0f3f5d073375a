// What only the base has: benchmarks that the head no longer lists. They are rows of the comparison too, so that nothing leaves the watch unseen.

import { type ArmRevision, functionArm } from '../../arm.ts';
import { Child } from '../../child.ts';
import { sideOf } from '../../comparison/evidence.ts';
import type { Plan, PlannedCase } from '../../plan.ts';
import { ArmFailure, type ListedCase } from '../../protocol.ts';
import { ABSENT } from '../../serve.ts';
import { type Case, UsageError } from '../../suite.ts';
import { ARM_MODULE } from '../places.ts';
import type { RunFlags } from '../run-options.ts';
import { planSuite } from '../run-plan.ts';

/** Seconds that the base may take to list its cases. */
const LISTING_S = 60;

export interface Gone {
  /** The benchmarks as a plan of the base's suite; absent where there are none. */
  readonly plan?: Plan;
  /** Why they are not known. */
  readonly warning?: string;
}

/** What the base of `revision` lists and the plan's own suite does not, under the same flags. */
export async function goneSince(revision: Omit<ArmRevision, 'arm'>, { suite, suiteSource, request }: Plan, flags: RunFlags): Promise<Gone> {
  let listed: readonly ListedCase[];
  try {
    listed = await listCases({ ...revision, arm: suite.name }, request);
  } catch (error) {
    if (!(error instanceof ArmFailure)) throw error;
    // A base without the suite has nothing of its own.
    return error.status === 'skipped' ? {} : { warning: `what only the base has of the suite ${suite.name} is not known: ${error.reason}` };
  }
  const own = new Map(suite.cases(request).map((one) => [one.name, one]));
  const gone = listed.flatMap((one) => lacking(one, own.get(one.name)));
  if (gone.length === 0) return {};
  try {
    const source = { source: suiteSource, suite: { name: suite.name, question: suite.question, cases: () => gone } };
    return { plan: (await planSuite(source, flags, [])).plan };
  } catch (error) {
    // The filter leaves nothing of it.
    if (error instanceof UsageError) return {};
    throw error;
  }
}

/** The cases of a revision, from a process that loads its suite. Rejects with an ArmFailure. */
async function listCases(revision: ArmRevision, request: Plan['request']): Promise<ListedCase[]> {
  const { child } = await Child.open({ ...functionArm(revision.arm), revision }, { entry: ARM_MODULE, request, timeout: LISTING_S });
  try {
    return await child.ask('list', {}, LISTING_S);
  } finally {
    await child.close();
  }
}

/** What of a case the other side lacks: all of it, or some of its arms. Nobody makes their work. */
function lacking({ arms, ...one }: ListedCase, other: Case | undefined): Case[] {
  const gone = arms?.filter(({ name }) => !other?.arms?.some((arm) => arm.name === name));
  if (other && !gone?.length) return [];
  return [{ ...one, arms: gone?.map((arm) => ({ ...arm, make: () => Promise.reject(new Error(`${arm.name} is of the base alone`)) })) }];
}

/** A benchmark that the head is known to lack. */
export function refusedByHead(planned: PlannedCase): PlannedCase {
  const entries = planned.entries.map((entry) =>
    sideOf(entry.arm.name)?.side === 'head' ? { ...entry, refusal: `${ABSENT} ${planned.case.name}` } : entry,
  );
  return { ...planned, entries, groups: [entries] };
}

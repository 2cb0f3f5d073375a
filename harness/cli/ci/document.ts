// From a results folder to its comparison: everything comes from run.json and samples.csv, so that `bench analyze` finds the same again.

import { z } from 'zod';
import { type RunDocument, revisionSchema } from '../../../reports/schema.ts';
import { COMPARISON_VERSION, type Comparison, comparedRows, countsOf, overall } from '../../comparison/document.ts';
import type { Terms } from '../../comparison/estimate.ts';
import { type Benchmark, gather, type Impediment } from '../../comparison/evidence.ts';
import type { ReasonCode } from '../../comparison/verdict.ts';
import type { Sample } from '../../record.ts';
import { UsageError } from '../../suite.ts';

const benchmarkSchema = z.strictObject({ suite: z.string(), case: z.string(), arm: z.string() });

/** What `run.json` of a gate has besides. */
export const gateSchema = z.strictObject({
  base: revisionSchema,
  head: revisionSchema,
  terms: z.strictObject({
    margin: z.number().positive(),
    screenAlpha: z.number().positive(),
    confirmAlpha: z.number().positive(),
    equivalenceAlpha: z.number().positive(),
    confidence: z.number().positive(),
    power: z.number().positive(),
  }),
  budget: z.number(),
  benchmarks: z.array(benchmarkSchema),
  impediments: z.array(benchmarkSchema.extend({ code: z.string(), detail: z.string() })),
  pair_seconds: z.number().optional(),
  warnings: z.array(z.string()),
});

export interface GateDocument {
  readonly base: Comparison['base'];
  readonly head: Comparison['head'];
  readonly terms: Terms;
  readonly budget: number;
  readonly benchmarks: readonly Benchmark[];
  readonly impediments: readonly Impediment[];
  readonly pair_seconds?: number;
  readonly warnings: readonly string[];
}

/** The part of `run.json` that a gate wrote. Throws a UsageError where another command did. */
export function gateOf(run: RunDocument, path: string): GateDocument {
  const read = gateSchema.safeParse(run.gate);
  if (read.success) {
    const { impediments, ...rest } = read.data;
    return { ...rest, impediments: impediments.map((one) => ({ ...one, code: one.code as ReasonCode })) };
  }
  if (run.gate === undefined) throw new UsageError(`${path}: this is no folder of bench ci: its run.json has no gate`);
  const { path: place, message } = read.error.issues[0];
  throw new UsageError(`${path}: gate.${place.join('.')}: ${message}; was it written by another version?`);
}

/** The comparison that a gate's folder holds. */
export function comparisonOf(run: RunDocument, gate: GateDocument, samples: readonly Sample[]): Comparison {
  const rows = comparedRows(gather(gate.benchmarks, samples, gate.impediments, gate.pair_seconds), gate.terms, run.seed);
  return {
    comparisonVersion: COMPARISON_VERSION,
    kind: 'ci',
    run_id: run.run_id,
    time_utc: run.ended_utc ?? run.started_utc,
    base: gate.base,
    head: gate.head,
    terms: gate.terms,
    seed: run.seed,
    rows,
    overall: overall(rows, run.seed),
    counts: countsOf(rows),
    warnings: gate.warnings,
  };
}

// What the rows of the graph suite say, place by place: what one more op costs, what rewrites save, what fusing a ReLU saves and whether its bytes explain that,
// and what a loop or a conditional in the graph costs against the host's.

import type { Summary } from '../../harness/record.ts';
import { digits, time } from '../words.ts';
import { extraOf, launches, type Measured, measuredOf, nsOf, slopes } from './measured.ts';
import { fusing } from './verdict-fusing.ts';
import { rewriting } from './verdict-rewrites.ts';

/** The sentences. */
export function verdict(rows: readonly Summary[]): string[] {
  const cases = measuredOf(rows);
  const ofPart = (part: string) => cases.filter((one) => one.part === part);
  const byPlace = (part: string) => [...Map.groupBy(ofPart(part), ({ place }) => place)];
  return [
    ...byPlace('nodes').flatMap(([place, of]) => oneMoreOp(place, of)),
    ...ofPart('rewrites').flatMap(rewriting),
    ...ofPart('conv-relu').flatMap(fusing),
    ...byPlace('until').flatMap(([place, of]) => oneMoreIteration(place, of)),
    ...ofPart('recurrence').flatMap(withGradients),
    ...ofPart('cond').flatMap(branching),
  ];
}

/** A slope can come out below zero where what it adds is lost in the scatter. */
const cost = (ns: number): string => (ns > 0 ? time(ns) : 'nothing that can be told');
/** `, 12 times as much`, of two slopes. */
const times = (ns: number, other: number): string => (ns > 0 && other > 0 ? `, ${digits(ns / other)} times as much` : '');

function oneMoreOp(place: string, of: readonly Measured[]): string[] {
  const { eager, apart, fused } = slopes(of, 'nodes');
  if (apart === undefined) return [];
  const longest = of[of.length - 1].forms;
  const fewer =
    longest.fused && longest.apart
      ? ` (${launches(extraOf(longest.fused, 'launches'))} for ${digits(extraOf(longest.apart, 'launches'))})`
      : '';
  const parts = [
    `${place}: one more op on ten numbers costs ${cost(apart)} in a static graph`,
    ...(eager === undefined ? [] : [`eagerly ${cost(eager)}${times(eager, apart)}`]),
    ...(fused === undefined ? [] : [`fused with its neighbours ${cost(fused)}${fewer}`]),
  ];
  return [parts.join('; ')];
}

function oneMoreIteration(place: string, of: readonly Measured[]): string[] {
  const { loop, host, eager } = slopes(of, 'iterations');
  if (loop === undefined || host === undefined) return [];
  const { loop: inside, host: outside } = of[of.length - 1].forms;
  const crossings =
    inside && outside ? ` (${digits(extraOf(inside, 'crossings'))} and ${digits(extraOf(outside, 'crossings'))} crossings in all)` : '';
  const ratio = loop > 0 && host > 0 ? `, ${digits(loop / host)} times that` : '';
  const parts = [
    `${place}: one more iteration of a loop costs ${cost(host)} where the host loops over a session, and ${cost(loop)} in the graph${ratio}${crossings}`,
    ...(eager === undefined ? [] : [`eagerly ${cost(eager)}`]),
  ];
  return [parts.join('; ')];
}

function withGradients({ place, forms: { loop, unrolled, eager } }: Measured): string[] {
  if (!loop || !unrolled) return [];
  const parts = [
    `${place}: ${extraOf(loop, 'iterations')} iterations with gradients take ${time(nsOf(loop))} as a loop in the graph, ${digits(nsOf(loop) / nsOf(unrolled))} times the ${time(nsOf(unrolled))} of the same steps written out there (its operations are about 4/3 of theirs)`,
    ...(eager ? [`by the host's own loop, eagerly, ${time(nsOf(eager))}`] : []),
  ];
  return [parts.join('; ')];
}

function branching({ place, forms: { cond, both, host, eager } }: Measured): string[] {
  if (!cond || !host) return [];
  const parts = [
    `${place}: a conditional takes ${time(nsOf(cond))} in the graph, ${digits(nsOf(cond) / nsOf(host))} times the ${time(nsOf(host))} where the host reads the predicate and runs one of two fetches`,
    ...(both ? [`${time(nsOf(both))} where both branches are computed and nothing is read`] : []),
    ...(eager ? [`eagerly ${time(nsOf(eager))}`] : []),
  ];
  return [parts.join('; ')];
}

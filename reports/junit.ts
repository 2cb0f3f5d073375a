// JUnit XML: what every CI system shows as tests. A case and an arm are a test case, its suite the class name.
//
// A regression is a failure of the type PerformanceRegression, wrong numbers one of the type WrongResult, what could not be measured an error, what could not
// be decided skipped. `time` is the time of a call in seconds. Schema: https://github.com/testmoapp/junitxml.

import { type Outcome, outcomeHeadline, outcomesOf } from './outcomes.ts';
import { rowName } from './rows.ts';
import type { Results } from './schema.ts';
import { xml } from './xml.ts';

const attributes = (given: Readonly<Record<string, string | number>>): string =>
  Object.entries(given)
    .map(([name, value]) => ` ${name}="${xml(String(value))}"`)
    .join('');

/** Seconds without an exponent, which schemas do not know. */
const seconds = (ns = 0): string => (ns / 1e9).toFixed(9);

function testCase(outcome: Outcome): string {
  const { suite, state, type, message, ns } = outcome;
  const open = `    <testcase${attributes({ classname: suite, name: rowName(outcome), time: seconds(ns) })}`;
  if (state === 'passed') return `${open}/>`;
  const child =
    state === 'skipped' ? `<skipped${attributes({ message: `${type}: ${message}` })}/>` : `<${state}${attributes({ type, message })}/>`;
  return `${open}>\n      ${child}\n    </testcase>`;
}

/** What timings depend on, so that a reader can tell whether two reports may be held against each other. */
function properties({ run, comparison }: Pick<Results, 'run' | 'comparison'>): [string, string][] {
  const { environment: place } = run;
  const facts: Record<string, unknown> = {
    fingerprint: place.fingerprint,
    cpu: place.cpu,
    cores: place.cores,
    os: place.os,
    node: place.node,
    v8: place.v8,
    governor: place.governor,
    git_revision: place.git_revision,
    git_dirty: place.git_dirty,
    ...Object.fromEntries(Object.entries(place.adapters).map(([kind, name]) => [`adapter.${kind}`, name])),
    command: run.command.join(' '),
    seed: run.seed,
    ...(comparison && {
      base: comparison.base.ref,
      base_sha: comparison.base.sha,
      head: comparison.head.ref,
      head_sha: comparison.head.sha,
      margin: comparison.terms.margin,
    }),
  };
  return Object.entries(facts).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, String(value)]]));
}

const count = (outcomes: readonly Outcome[], state: Outcome['state']): number => outcomes.filter((one) => one.state === state).length;

/** The whole of `junit.xml`. */
export function junit(results: Pick<Results, 'run' | 'summaries' | 'comparison'>): string {
  const outcomes = outcomesOf(results);
  const counts = {
    tests: outcomes.length,
    failures: count(outcomes, 'failure'),
    errors: count(outcomes, 'error'),
    skipped: count(outcomes, 'skipped'),
  };
  const facts = properties(results).map(([name, value]) => `      <property${attributes({ name, value })}/>`);
  const suites = Map.groupBy(outcomes, ({ suite }) => suite);
  const one = ([suite, own]: readonly [string, readonly Outcome[]]): string =>
    [
      `  <testsuite${attributes({
        name: suite,
        tests: own.length,
        failures: count(own, 'failure'),
        errors: count(own, 'error'),
        skipped: count(own, 'skipped'),
        timestamp: results.run.started_utc.replace(/\.\d+Z$|Z$/, ''),
      })}>`,
      '    <properties>',
      ...facts,
      '    </properties>',
      ...own.map(testCase),
      '  </testsuite>',
    ].join('\n');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: outcomeHeadline(results), ...counts })}>`,
    ...(suites.size > 0 ? [...suites] : [['bench', []] as const]).map(one),
    '</testsuites>',
    '',
  ].join('\n');
}

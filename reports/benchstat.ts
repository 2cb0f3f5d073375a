// Go benchmark text, which `benchstat` reads: configuration lines, what units mean, then a line for each fresh process of each row.
//
//   cpu: Some Processor
//   Unit GFLOP/s better=higher
//   BenchmarkMatmul/512x512x512/nn/f32/arm=ours:packed@cpu:2-2  1200  1234567 ns/op  217.4 GFLOP/s
//
// A comparison is two files: `benchstat base.txt head.txt`. Forks are what replicates, so a line is the median of one.
// Format: https://go.googlesource.com/proposal/+/master/design/14313-benchmark-format.md

import type { Summary } from '../harness/record.ts';
import { type Fork, forksByRow, isMeasured, sampleKey } from './rows.ts';
import type { Results } from './schema.ts';

/** A line of configuration: the key begins with a lower-case letter and has neither blanks nor capitals, the value is the rest of the line. */
function configuration(facts: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(facts).flatMap(([key, value]) => {
    const text = String(value ?? '')
      .replace(/\s+/g, ' ')
      .trim();
    return text === '' ? [] : [`${key}: ${text}`];
  });
}

/** A part of a name: no blank, since a blank ends it, nor anything that does not show. */
const part = (text: string): string =>
  text
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    .replace(/[\s\u0000-\u001f\u007f\u0085]+/g, '_');

/**
 * The name of a row. Slashes divide it, so those of an arm become colons. It ends with the number of threads, always: readers take a last `-8` for that,
 * also where it is part of the case's name.
 */
export function benchmarkName({ case: name, arm, threads }: Pick<Summary, 'case' | 'arm' | 'threads'>): string {
  const given = part(name);
  // A name that does not go on with a capital letter, a digit or the like is no benchmark to Go.
  const title = /^\p{Ll}/u.test(given) ? given.replace(/^./u, (first) => upper(first)) : given;
  return `Benchmark${title}/arm=${part(arm).replaceAll('/', ':')}-${threads ?? 1}`;
}

/** A letter that has no capital is put behind a mark. */
const upper = (letter: string): string => (/^\p{Lu}/u.test(letter.toUpperCase()) ? letter.toUpperCase() : `_${letter}`);

const number = (value: number): string => String(Number(value.toPrecision(12)));

function lineOf(row: Summary, { ns, calls }: Fork): string {
  // Work of a call is known by its rate at the row's median.
  const at = (rate: number | undefined, unit: string) => (rate === undefined ? [] : `${number((rate * row.median_ns!) / ns)} ${unit}`);
  const measures = [`${number(ns)} ns/op`, ...[at(row.gflops, 'GFLOP/s'), at(row.gbps, 'GB/s')].flat()];
  return [benchmarkName(row), String(calls), ...measures].join('\t');
}

function textOf({ run }: Pick<Results, 'run'>, facts: Readonly<Record<string, unknown>>, lines: readonly string[]): string {
  const { environment: place } = run;
  return [
    ...configuration({
      goos: place.os.split(' ')[0].toLowerCase(),
      goarch: place.arch === 'x64' ? 'amd64' : place.arch,
      pkg: 'tilebench',
      cpu: place.cpu,
      node: place.node,
      v8: place.v8,
      fingerprint: place.fingerprint,
      ...facts,
    }),
    'Unit ns/op better=lower',
    'Unit GFLOP/s better=higher',
    'Unit GB/s better=higher',
    '',
    ...lines,
    '',
  ].join('\n');
}

/** `benchmark.txt` of a run: every arm that was measured. */
export function benchmarkText(results: Results): string {
  const forks = forksByRow(results.samples);
  const lines = results.summaries.filter(isMeasured).flatMap((row) => (forks.get(sampleKey(row)) ?? []).map((fork) => lineOf(row, fork)));
  return textOf(results, { commit: results.run.environment.git_revision }, lines);
}

/** `base.txt` and `head.txt` of a comparison: under the same names, from the pairs that its verdicts are of. */
export function sideText(side: 'base' | 'head', results: Results): string {
  const { comparison, summaries, samples } = results;
  const forks = forksByRow(samples);
  const rows = new Map(summaries.map((row) => [sampleKey(row), row]));
  const lines = (comparison?.rows ?? []).flatMap((compared) => {
    const { suite, case: name, arm, pairs } = compared;
    const key = sampleKey({ suite, case: name, arm: side === 'base' ? compared.arm_base : compared.arm_head });
    const row = rows.get(key);
    if (!row || !isMeasured(row) || pairs === 0) return [];
    // Where there was a second stage its forks came last, and the verdict is of them alone.
    return (forks.get(key) ?? []).slice(-pairs).map((fork) => lineOf({ ...row, arm }, fork));
  });
  const { sha, dirty } = comparison?.[side] ?? {};
  // Facts that differ between the files would make benchstat lay out two tables: which side it is, the file's name says.
  return textOf(results, {}, lines).replace(/^Unit /m, `${sha ? `# ${side} ${sha}${dirty ? ' with changes' : ''}\n` : ''}Unit `);
}

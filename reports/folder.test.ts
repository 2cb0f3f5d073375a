import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readSamples, readSummaries } from './csv.ts';
import { fast, run, sample, samples, slow, summaries } from './example.ts';
import { WriteError } from './file.ts';
import { folderSink, readFolder } from './folder.ts';
import { readResults, readRun } from './json.ts';

const root = mkdtempSync(join(tmpdir(), 'tilebench-folder-'));
test.after(() => rmSync(root, { recursive: true }));
let made = 0;
const fresh = () => join(root, `run-${made++}`);
const text = (dir: string, name: string) => readFileSync(join(dir, name), 'utf8');

/** A folder with all of the example in it. */
function filled(): string {
  const sink = folderSink(fresh());
  sink.run(run);
  for (const one of samples) sink.sample(one);
  for (const row of summaries) sink.summary(row);
  sink.finish(['table', 'markdown']);
  sink.close();
  return sink.dir;
}

test('a run leaves its files, and each reads back', () => {
  const dir = filled();
  assert.equal(readRun(text(dir, 'run.json')), run);
  assert.is(readSamples(text(dir, 'samples.csv')).length, 2);
  assert.is(readSummaries(text(dir, 'summary.csv')).length, 4);
  assert.is(readResults(text(dir, 'results.json')).summaries.length, 4);
  assert.ok(existsSync(join(dir, 'table.txt')) && existsSync(join(dir, 'report.md')));
});

test('samples are in the file as soon as they are measured, under one header', () => {
  const sink = folderSink(fresh());
  sink.sample(sample);
  assert.is(readSamples(text(sink.dir, 'samples.csv')).length, 1);
  sink.sample(sample);
  assert.is(text(sink.dir, 'samples.csv').split('run_id').length, 2);
  sink.close();
});

test('a row of the same case and arm replaces the one before', () => {
  const sink = folderSink(fresh());
  sink.summary(fast);
  sink.summary(slow);
  sink.summary({ ...fast, forks: 9 });
  assert.equal(
    readSummaries(text(sink.dir, 'summary.csv')).map(({ arm, forks }) => [arm, forks]),
    [
      [fast.arm, 9],
      [slow.arm, 3],
    ],
  );
});

test('a folder with files is refused unless the run goes on in it', () => {
  const dir = filled();
  assert.throws(() => folderSink(dir), /is not empty; give another, or --resume/);
  const sink = folderSink(dir, { resume: true });
  assert.is(sink.earlier.samples.length, 2);
  sink.sample({ ...sample, round: 7 });
  sink.close();
  const rounds = readSamples(text(dir, 'samples.csv')).map(({ round }) => round);
  assert.equal(rounds, [0, 1, 7]);
  assert.is(sink.results().samples.length, 3);
  assert.throws(() => readFolder(join(root, 'nowhere')), /there is no folder/);
});

test('a torn last row is refused where the folder is only read, and cut before the run goes on', () => {
  const dir = filled();
  const path = join(dir, 'samples.csv');
  const before = text(dir, 'samples.csv');
  // The last of them has all its fields, and no line end.
  for (const torn of ['half,a,ro', 'x,"quoted\r\nand never cl', '\u00e9', before.trimEnd().split('\r\n')[1]]) {
    appendFileSync(path, torn);
    assert.throws(() => readFolder(dir), /samples\.csv: line \d: .*--resume/);
    assert.is(text(dir, 'samples.csv'), before + torn);
    const sink = folderSink(dir, { resume: true });
    assert.is(sink.earlier.samples.length, 2);
    assert.is(text(dir, 'samples.csv'), before);
  }
  assert.is(readFolder(dir).samples.length, 2);
});

test('a folder of other files is the user’s mistake, with path and line', () => {
  const dir = filled();
  writeFileSync(join(dir, 'samples.csv'), 'a,b\n1,2\n');
  assert.throws(() => readFolder(dir), /samples\.csv: line 1: the columns run_id/);
  writeFileSync(join(dir, 'run.json'), '{ "seed": 1 }');
  assert.throws(() => readFolder(dir), /run\.json: schemaVersion: /);
});

test('a full disk is a WriteError with the path, and what stood before stands', () => {
  if (!existsSync('/dev/full')) return;
  const sink = folderSink(fresh());
  sink.summary(fast);
  const before = text(sink.dir, 'summary.csv');
  symlinkSync('/dev/full', join(sink.dir, 'samples.csv'));
  symlinkSync('/dev/full', join(sink.dir, 'summary.csv.new'));
  const full = (name: string) => (error: Error) =>
    error instanceof WriteError && error.code === 'ENOSPC' && error.path === join(sink.dir, name);
  assert.throws(() => sink.sample(sample), full('samples.csv'));
  assert.throws(() => sink.summary(slow), full('summary.csv'));
  assert.is(text(sink.dir, 'summary.csv'), before);
  unlinkSync(join(sink.dir, 'samples.csv'));
  sink.close();
});

test.run();

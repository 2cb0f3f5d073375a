// The workflows of docs/ci and of this repository: the same steps, actions pinned by their major version, and a command that bench takes.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatNames } from '../reports/formats.ts';
import { linksOf } from './readme.ts';
import { ROOT } from './sources.ts';

const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');
const offered = read('docs', 'ci', 'benchmarks.yml');
const own = read('.github', 'workflows', 'benchmarks.yml');
const COMMAND = /run: (npx bench ci .*)$/m;

test('this project is guarded by what it offers', () => {
  const steps = (text: string) => text.replace(/^#.*\n/gm, '').replace(/--suites \S+/, '--suites');
  assert.is(steps(own), steps(offered));
});

test('actions are pinned by their major version, and nothing may write', () => {
  const uses = [...own.matchAll(/uses: (\S+)/g)].map(([, action]) => action);
  assert.is(uses.length, 4);
  for (const action of uses) assert.match(action, /^actions\/[a-z-]+@v\d+$/);
  assert.match(own, /^permissions:\n {2}contents: read$/m);
  assert.not.match(own, /\t/, 'YAML has no tabs');
  // What an event brings goes through the environment: text in a command would be run.
  const runs = [...own.matchAll(/^ +run: ([\s\S]*?)(?=\n\n|$(?![\s\S]))/gm)].map(([, run]) => run);
  assert.ok(runs.length >= 2 && runs.every((run) => !run.includes('${{')), runs.join('\n'));
});

test('bench takes the command, with formats that there are', () => {
  for (const text of [offered, own]) {
    const command = COMMAND.exec(text)![1].replace('"$BASE"', 'HEAD').split(' ').slice(2);
    const { status, stdout } = spawnSync(process.execPath, [join('harness', 'cli', 'bench.mjs'), 'ci', '--help'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    assert.is(status, 0);
    for (const option of command.filter((word) => word.startsWith('--'))) assert.ok(stdout.includes(`${option} `), `there is no ${option}`);
    for (const format of command[command.indexOf('--format') + 1].split(',')) assert.ok(formatNames.includes(format as never), format);
  }
});

test('the page beside it links to what there is', () => {
  for (const path of linksOf(read('docs', 'ci', 'README.md'))) assert.ok(existsSync(join(ROOT, 'docs', 'ci', path)), path);
});

test.run();

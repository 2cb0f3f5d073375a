// bench ci in a repository of a user's own that depends on this package: what is compared are its suites, with the dependencies of each revision. No clock decides.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SECOND_STAGE } from '../../comparison/evidence.ts';
import { MOST_PAIRS } from '../../comparison/looks.ts';
import type { Workplace } from '../bench-process.ts';
import { commit, type Files, removeAll, repository, worktrees } from './fixtures/repository.ts';

test.after(removeAll);

const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));

/** A suite in the user's words, with this package's types and code. `loops` is how much it does. */
const suite = (loops: number) => `
import { choose } from 'tilebench/kernels';
import { type Suite, UsageError } from 'tilebench/suite';

const sum = (): number => {
  let total = 0;
  for (let i = 0; i < ${loops}; i++) total += Math.sqrt(i);
  return total;
};
const verify = () => (process.env.TILEBENCH_TUNE === 'shipped' && choose && UsageError ? undefined : 'tables are ' + process.env.TILEBENCH_TUNE);
export default {
  name: 'mine',
  question: 'Is the sum as fast as it was?',
  cases: () => [{ name: 'mine/sum', arms: [{ name: 'sum', make: () => ({ run: sum, verify }) }] }],
} satisfies Suite;
`;

const manifest = { name: 'mine', version: '1.0.0', type: 'module' };
const asJson = (value: object) => `${JSON.stringify(value, null, 2)}\n`;

/** A line of a suite's text; written so, it is no import of this file. */
const importing = (name: string, from: string): string => `import { ${name} } from '${from}';`;

test('a revision that does twenty times the work is found, by the tables that it ships', async () => {
  const place = repository({ '.gitignore': 'node_modules\nout\ncache\n' });
  // As npm install PATH leaves it.
  const path = relative(place.folder, PACKAGE);
  const dependencies = { tilebench: `file:${path}` };
  const packages = { '': { ...manifest, dependencies }, 'node_modules/tilebench': { resolved: path, link: true } };
  mkdirSync(join(place.folder, 'node_modules'));
  symlinkSync(PACKAGE, join(place.folder, 'node_modules', 'tilebench'));
  const lock = asJson({ ...manifest, lockfileVersion: 3, requires: true, packages });
  commit(place, { 'package.json': asJson({ ...manifest, dependencies }), 'package-lock.json': lock, 'bench/x.suite.ts': suite(20_000) });
  commit(place, { 'bench/x.suite.ts': suite(400_000) });
  // What this machine has learnt is of neither revision; a table that cannot be read would be told.
  mkdirSync(join(place.folder, 'cache', 'tuned'), { recursive: true });
  writeFileSync(join(place.folder, 'cache', 'tuned', 'learnt.json'), 'no table');

  const args = ['ci', '--base', 'HEAD~1', '--suites', './bench/x.suite.ts', '--out', 'out'];
  const { code, err } = await place.bench([...args, '--budget', '2s']);
  assert.ok(code === 0 || code === 4, err);
  assert.not.match(err, /learnt\.json/);
  assert.is(worktrees(place).length, 1);

  // What the gate does with enough such pairs, without the time that they take: the first pair again and again, as if nothing had disturbed it.
  const judged = async (forks: readonly number[], ...rest: string[]) => {
    repeatFirstPair(place, forks);
    const { code, err } = await place.bench([...args, '--resume', '--budget', '1s', ...rest]);
    const [{ verdict, ratio, pairs }] = place.rows('out', 'comparison.csv');
    assert.ok(Number(ratio) > 2, `${ratio} ${err}`);
    assert.ok(Number(pairs) >= Math.min(forks.length, 10));
    return `${code} ${verdict}`;
  };
  assert.is(await judged([0, 1, 2], '--require-conclusive'), '5 inconclusive');
  // All that are ever taken, so that nothing is left to measure.
  const enough = [...Array(MOST_PAIRS).keys()].flatMap((pair) => [pair, SECOND_STAGE + pair]);
  assert.is(await judged(enough), '1 regressed');
  assert.is(await judged(enough, '--gate', 'none'), '0 regressed');
});

/** Puts the rows of the first pair into `samples.csv` for each of these forks, undisturbed. */
function repeatFirstPair(place: Workplace, forks: readonly number[]): void {
  const pair = place.rows('out', 'samples.csv').filter(({ fork }) => fork === '0');
  const rows = forks.flatMap((fork) => pair.map((row) => ({ ...row, fork: String(fork), dropped: 'false', reason: '' })));
  const lines = [Object.keys(pair[0]), ...rows.map((row) => Object.values(row))].map((fields) => fields.join(','));
  writeFileSync(join(place.folder, 'out', 'samples.csv'), `${lines.join('\r\n')}\r\n`);
}

test('each side runs with the dependencies of its own lock file', async () => {
  const revision = (value: number): Files => ({
    'package.json': asJson({ ...manifest, dependencies: { counted: 'file:counted' } }),
    'package-lock.json': asJson({
      ...manifest,
      lockfileVersion: 3,
      requires: true,
      packages: {
        '': { ...manifest, dependencies: { counted: 'file:counted' } },
        counted: { version: `${value}.0.0` },
        'node_modules/counted': { resolved: 'counted', link: true },
      },
    }),
    '.gitignore': 'node_modules\nout\n',
    'counted/package.json': asJson({ name: 'counted', version: `${value}.0.0`, type: 'module', exports: './index.js' }),
    'counted/index.js': `export const value = ${value};\n`,
    'x.suite.ts': `${importing('value', 'counted')}
const verify = () => (value === 1 ? undefined : 'the dependency is ' + value);
export default { name: 'mine', question: 'Which?', cases: () => [{ name: 'mine/one', arms: [{ name: 'one', make: () => ({ run: () => value, verify }) }] }] };
`,
  });
  const place = repository(revision(1), revision(2));
  // What is installed in the working tree is of the head, and must not serve the base.
  mkdirSync(join(place.folder, 'node_modules'));
  symlinkSync(join(place.folder, 'counted'), join(place.folder, 'node_modules', 'counted'));
  const { code, out, err } = await place.bench(['ci', '--base', 'HEAD~1', '--suites', './x.suite.ts', '--budget', '2s', '--out', 'out']);
  assert.is(code, 3, err);
  assert.match(out, /mine\/one one: invalid \(wrong\): head: the dependency is 2/);
});

test.run();

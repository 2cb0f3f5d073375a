import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isAllowed, licenceFaults, lockedPackages, reasonFaults } from './licences.ts';
import { ROOT } from './sources.ts';

test('what a user installs is free to use', () => assert.equal(licenceFaults(lockedPackages()), []));

test('every direct dependency has its reason, at its version', () =>
  assert.equal(reasonFaults(readFileSync(join(ROOT, 'docs', 'dependencies.md'), 'utf8')), []));

test('a licence that asks for more is caught, except where it is only for developers', () => {
  const packages = { '': {}, a: { license: 'GPL-3.0-only' }, b: {}, c: { license: 'SSPL-1.0', dev: true }, d: { license: 'MIT' } };
  assert.equal(licenceFaults(packages), ['a: GPL-3.0-only', 'b: none stated']);
});

test('expressions: a choice is ours, a sum is not', () => {
  assert.ok(isAllowed('(MIT OR GPL-2.0)'));
  assert.ok(isAllowed('MIT AND Apache-2.0'));
  assert.not.ok(isAllowed('MIT AND GPL-2.0'));
});

test('a missing row, a stale version and a row too many are named', () => {
  const manifest = { name: 'x', version: '1.0.0', dependencies: { a: '1.0.0', b: '2.0.0' } };
  assert.equal(reasonFaults('| `b` 1.9.0 | because |\n| `c` 1.0.0 | once |\n', manifest), [
    'a 1.0.0 has no row',
    'b 2.0.0 has no row (there is one for 1.9.0)',
    'c has a row and is no dependency',
  ]);
});

test.run();

// The package as users get it: packed, installed elsewhere without anything of the clone, and run.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { published, readManifest } from './manifest.ts';
import { ROOT } from './sources.ts';

const work = mkdtempSync(join(tmpdir(), 'tilebench-pack-'));
const [clone, home] = [join(work, 'clone'), join(work, 'home')];
test.after(() => rmSync(work, { recursive: true }));

/** Runs to its end and returns what it printed; fails with what it said otherwise. */
function run(cwd: string, command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  assert.is(status, 0, `${command} ${args.join(' ')}: ${error?.message ?? ''}\n${stdout}\n${stderr}`);
  return stdout;
}

test.before(() => {
  // A copy, since packing changes package.json for a moment and others may be reading it.
  const left = new Set(['node_modules', '.git', 'dist', 'results', 'package-lock.json']);
  mkdirSync(clone);
  for (const name of readdirSync(ROOT)) if (!left.has(name)) cpSync(join(ROOT, name), join(clone, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
  mkdirSync(home);
  run(clone, 'npm', ['pack', '--silent', '--pack-destination', home]);
  const [tarball] = readdirSync(home);
  run(home, 'npm', ['init', '--yes', '--silent']);
  const quick = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--omit=optional'];
  run(home, 'npm', ['install', '--silent', ...quick, `./${tarball}`]);
});

test('packing leaves the clone as it was', () => {
  assert.equal(readManifest(join(clone, 'package.json')), readManifest());
  assert.not.ok(existsSync(join(clone, '.package.json.clone')));
});

test('the package carries what runs, and nothing of the workshop', () => {
  const folder = join(home, 'node_modules', 'tilebench');
  assert.equal(
    readdirSync(folder).filter((name) => !/^(README|CHANGELOG|LICENSE)/.test(name)),
    ['dist', 'harness', 'package.json'],
  );
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  assert.equal(
    files.filter((path) => /\.test\.|(?<!\.d)\.ts$/.test(path)),
    [],
  );
  assert.ok(files.includes(join('dist', 'harness', 'peers', 'torch-child.py')));
});

test('bench answers where it is installed', () => {
  const bench = join(home, 'node_modules', '.bin', 'bench');
  assert.match(run(home, process.execPath, [bench, 'list']), /matmul/);
});

test('bench measures where it is installed: workers and child processes are found in dist/', () => {
  const bench = join(home, 'node_modules', '.bin', 'bench');
  const asked = [
    '--device',
    'cpu',
    '--threads',
    '2',
    '--shapes',
    '128x128x128',
    '--kernels',
    'packed',
    '--quick',
    '--time',
    '0.1',
    '--no-roof',
  ];
  run(home, process.execPath, [bench, 'run', 'matmul', ...asked, '--out', 'results']);
  assert.match(readFileSync(join(home, 'results', 'summary.csv'), 'utf8'), /,ours:packed@cpu\/2,.*,ok,/);
});

test('every export loads by name, with its declarations', () => {
  const { name, exports } = readManifest();
  for (const path of Object.keys(exports ?? {})) {
    const specifier = join(name, path);
    run(home, process.execPath, ['--input-type=module', '--eval', `await import('${specifier}')`]);
    // In the clone the same name is the source.
    assert.match(import.meta.resolve(specifier), /\.ts$/);
  }
  const manifest = readManifest(join(home, 'node_modules', 'tilebench', 'package.json'));
  for (const target of Object.values(manifest.exports ?? {}) as { types: string }[])
    assert.ok(readFileSync(join(home, 'node_modules', 'tilebench', target.types), 'utf8').length > 0);
});

test('an export that is no source is refused', () => {
  assert.throws(() => published({ name: 'x', version: '1.0.0', exports: { '.': './index.js' } }), /exports\[\.\] is "\.\/index\.js"/);
});

test.run();

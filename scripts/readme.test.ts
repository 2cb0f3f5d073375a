// The README holds: its commands parse, its links lead somewhere, its programs run in the clone and print what they say.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { peerNames } from '../harness/peers/catalog.ts';
import { digitsOnDisk } from '../suites/train/digits-on-disk.ts';
import { readManifest } from './manifest.ts';
import { commandsOf, linksOf, programsOf, promisedOutput } from './readme.ts';
import { ROOT } from './sources.ts';

const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
const out = mkdtempSync(join(tmpdir(), 'tilebench-readme-'));
test.after(() => rmSync(out, { recursive: true }));
// Commands that train look for MNIST before they begin.
const digits = digitsOnDisk({ train: 200, t10k: 10 });
test.after(() => digits.remove());

function node(args: readonly string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return { status, said: `${stdout}${stderr}` };
}

const bench = (args: readonly string[]) => node([join('harness', 'cli', 'bench.mjs'), ...args]);

/** Tries a `bench` command without measuring or installing anything. What is wrong with it, or undefined. */
function benchFault(args: readonly string[]): string | undefined {
  if (args[0] === 'peers' && args[1] === 'install') {
    const unknown = args.slice(2).find((name) => name !== 'NAME' && !peerNames.includes(name));
    return unknown && `there is no peer ${unknown}`;
  }
  const { status, said } = args[0] === 'run' ? bench([...args, '--dry-run']) : bench([...args, '--help']);
  if (status !== 0) return `exit ${status}: ${said}`;
  return args[0] === 'run' || said.startsWith(`Usage: bench ${args[0] ?? ''}`) ? undefined : `there is no command ${args[0]}`;
}

const commands = commandsOf(text);
const options = (command: string) => command.split(/\s+/).slice(2);

for (const command of commands.filter((one) => one.startsWith('npx bench')))
  test(`README: ${command}`, () => assert.is(benchFault(options(command)), undefined));

test('npm commands are npm’s own, or scripts of package.json', () => {
  const scripts = readManifest().scripts ?? {};
  for (const command of commands.filter((one) => one.startsWith('npm'))) {
    const [verb, name] = command.split(/\s+/).slice(1);
    if (verb === 'run') assert.ok(name in scripts, `${command}: package.json has no script ${name}`);
    else assert.ok(['ci', 'install', 'test', 'pack'].includes(verb), `${command}: what does npm ${verb} do here?`);
  }
});

test('links lead to files of the repository', () => {
  for (const path of linksOf(text)) assert.ok(existsSync(join(ROOT, path)), `README links to ${path}`);
});

test('programs run by self-reference and print what they say', () => {
  for (const program of programsOf(text)) {
    const { status, said } = node(['--input-type=module-typescript', '--eval', program]);
    assert.is(status, 0, `${program}\n${said}`);
    const promised = promisedOutput(program);
    if (promised.length) assert.equal(said.trim().split('\n'), promised);
  }
});

test('commands, programs and links are found in a text', () => {
  const sample =
    'Use `npx bench list` or `bench`.\n\n```sh\nnpm ci && npx bench run matmul   # all\n$ npx bench doctor\n```\n\n```ts\nconsole.log(6 * 7); // 42\n```\n[a](docs/a.md#b) [c](https://x.y)\n';
  assert.equal(commandsOf(sample), ['npm ci', 'npx bench run matmul', 'npx bench doctor', 'npx bench list']);
  assert.equal(programsOf(sample).map(promisedOutput), [['42']]);
  assert.equal(linksOf(sample), ['docs/a.md']);
});

test('a command that does not exist is caught', () => {
  assert.match(benchFault(['measure']) ?? '', 'no command measure');
  assert.match(benchFault(['run', 'matmul', '--no-such-option']) ?? '', 'exit 2');
  assert.match(benchFault(['peers', 'install', 'no-such-peer']) ?? '', 'no peer no-such-peer');
});

test.run();

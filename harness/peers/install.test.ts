import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { installedState, notInstalled, peerFolder, placeOf } from './install.ts';
import { type Peer, PeerError } from './peer.ts';

const cache = mkdtempSync(join(tmpdir(), 'tilebench-peers-'));
process.env.TILEBENCH_CACHE = cache;
test.after(() => rmSync(cache, { recursive: true }));

let library: string | undefined;
const peer: Peer = {
  name: 'example',
  device: 'cpu',
  threaded: false,
  summary: '',
  needs: { npm: { '@some/package': '1.2.3' }, system: { name: 'libexample', command: 'apt-get install libexample', find: () => library } },
  supports: () => undefined,
  open: () => Promise.reject(new PeerError('not for opening')),
};

function put(version: string, source: string): void {
  const folder = join(peerFolder('example'), 'node_modules', '@some', 'package');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: '@some/package', version, main: 'index.js' }));
  writeFileSync(join(folder, 'index.js'), source);
}

test('a peer that is not installed is named with the commands that bring it', () => {
  assert.equal(installedState(peer).missing, ['libexample', '@some/package@1.2.3']);
  assert.is(
    notInstalled(peer),
    'example is not installed: libexample and @some/package@1.2.3 missing; run: apt-get install libexample && npx bench peers install example',
  );
  assert.throws(() => placeOf(peer), /apt-get install libexample/);
});

test('another version than the one that is compared counts as missing', () => {
  library = '/somewhere';
  put('1.2.2', '');
  assert.equal(installedState(peer).commands, ['npx bench peers install example']);
});

test('an installed peer loads from its own folder, and says so where it does not', () => {
  put('1.2.3', 'throw new Error("no such instruction");');
  assert.throws(() => placeOf(peer).load('@some/package'), /example: @some\/package does not load: no such instruction/);
  put('1.2.3', 'module.exports = 42;');
  assert.is(notInstalled(peer), undefined);
  assert.is(placeOf(peer).load('@some/package'), 42);
  assert.is(placeOf(peer).version('@some/package'), '1.2.3');
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cacheFolder } from '../framework/cache-folder.ts';
import type { DeviceKind } from '../kernels/kernel.ts';
import { lookAround } from './environment.ts';
import type { Probed } from './probe.ts';
import { packageVersions, project } from './project.ts';
import type { Opened } from './protocol.ts';
import { checkResumable } from './resume.ts';

const opened: Opened = { protocol: 1, adapter: 'an adapter', v8Flags: 'default', features: ['b', 'a'], limits: {} };

test('the environment names machine, software, devices and revision', () => {
  const { environment, versions } = lookAround(
    new Map<DeviceKind, Probed>([
      ['cpu', opened],
      ['webgpu', { missing: 'there is none' }],
    ]),
  );
  assert.is(environment.node, process.version);
  assert.ok(environment.cores >= 1 && environment.memory_bytes > 2 ** 20 && environment.cpu.length > 0);
  assert.equal(environment.adapters, { cpu: 'an adapter' });
  assert.equal(environment.features, { cpu: 'a b' });
  assert.match(environment.fingerprint, /^[0-9a-f]{16}$/);
  assert.is(versions.tilebench, project().version);
});

test('the fingerprint is of machine and software, not of the devices that a run opens', () => {
  const none = lookAround(new Map()).environment;
  assert.is(lookAround(new Map([['cpu', opened]])).environment.fingerprint, none.fingerprint);
});

test('versions are those of the packages that are installed', () => {
  const versions = packageVersions();
  assert.is(versions.tinybench, project().dependencies!.tinybench);
});

test('a run goes on only where it began and with its seed', () => {
  const { environment } = lookAround(new Map());
  checkResumable({ seed: 1, environment }, environment, 1);
  assert.throws(() => checkResumable({ seed: 1, environment }, environment, 2), /began with --seed 1, not 2/);
  const elsewhere = { seed: 1, environment: { ...environment, fingerprint: 'ffff', node: 'v25.0.0' } };
  assert.throws(() => checkResumable(elsewhere, environment, 1), /began in another environment \(ffff, Node v25\.0\.0; here/);
});

test('the cache folder is what the user says, else the place of the system', () => {
  assert.is(cacheFolder({ TILEBENCH_CACHE: '/somewhere' }), '/somewhere');
  if (process.platform === 'linux') assert.is(cacheFolder({ XDG_CACHE_HOME: '/caches' }), '/caches/tilebench');
});

test.run();

// Where peers lie and how they get there: one folder a peer below the user's cache folder, with a package.json and node_modules of its own.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from '../../framework/cache-folder.ts';
import { type Peer, PeerError, type Place } from './peer.ts';

/** The folder that a peer's packages are installed into. */
export const peerFolder = (name: string): string => join(cacheFolder(), 'peers', name);

const packageFolder = (peer: string, name: string): string => join(peerFolder(peer), 'node_modules', ...name.split('/'));

function installedVersion(peer: string, name: string): string | undefined {
  const path = join(packageFolder(peer, name), 'package.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).version : undefined;
}

/** Whether a peer can be opened here; if not, what is missing and the commands that bring it. */
export interface InstalledState {
  readonly installed: boolean;
  readonly missing: readonly string[];
  readonly commands: readonly string[];
}

export function installedState({ name, needs }: Peer): InstalledState {
  const packages = Object.entries(needs.npm).filter(([one, version]) => installedVersion(name, one) !== version);
  const system = needs.system && needs.system.find() === undefined ? needs.system : undefined;
  return {
    installed: packages.length === 0 && !system,
    missing: [...(system ? [system.name] : []), ...packages.map(([one, version]) => `${one}@${version}`)],
    commands: [...(system ? [system.command] : []), ...(packages.length ? [`npx bench peers install ${name}`] : [])],
  };
}

/** One line that says what is missing and how to get it, or undefined where nothing is. */
export function notInstalled(peer: Peer): string | undefined {
  const { installed, missing, commands } = installedState(peer);
  return installed ? undefined : `${peer.name} is not installed: ${missing.join(' and ')} missing; run: ${commands.join(' && ')}`;
}

/** Where the peer's packages lie. Throws a PeerError that names the command where something is missing. */
export function placeOf(peer: Peer): Place {
  const missing = notInstalled(peer);
  if (missing) throw new PeerError(missing);
  const require = createRequire(join(peerFolder(peer.name), 'package.json'));
  return {
    load(name) {
      try {
        return require(name);
      } catch (error) {
        throw new PeerError(`${peer.name}: ${name} does not load: ${(error as Error).message.split('\n')[0]}`);
      }
    },
    version: (name) => installedVersion(peer.name, name) ?? 'unknown',
  };
}

/**
 * Installs a peer's npm packages by npm, at their exact versions. Install scripts do not run: none of the packages needs its own, and
 * onnxruntime-node's would download CUDA libraries from outside of the registry. Throws a PeerError with what npm said.
 *
 * Returns what is still missing: a system library, which only the user can install.
 */
export function installPeer(peer: Peer): InstalledState {
  if (Object.keys(peer.needs.npm).length) {
    const folder = peerFolder(peer.name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ private: true, dependencies: peer.needs.npm }, undefined, 2)}\n`);
    const args = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error'];
    const { status, stderr, error } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
    if (status !== 0) {
      // npm says what went wrong first, and then where its logs are.
      const first = stderr
        .replaceAll(/^npm (error|warn) ?/gm, '')
        .trim()
        .split('\n')
        .slice(0, 3)
        .join('; ');
      throw new PeerError(
        `${peer.name}: npm could not install ${Object.keys(peer.needs.npm).join(', ')} into ${folder}: ${error?.message ?? first}`,
      );
    }
  }
  return installedState(peer);
}

// `bench peers`: the optional libraries that can be compared with, and how to bring them.

import { unknownName } from '../nearest.ts';
import { peerFor, peerNames, peers } from '../peers/catalog.ts';
import { installedState, installPeer, notInstalled } from '../peers/install.ts';
import { UsageError } from '../suite.ts';
import { EXIT, type ExitCode } from './exit.ts';

export interface PeerListing {
  readonly name: string;
  readonly device: string;
  readonly summary: string;
  readonly installed: boolean;
  /** What brings it where it is missing. */
  readonly commands: readonly string[];
}

export const peerListings = (): PeerListing[] =>
  peers.map((peer) => {
    const { name, device, summary } = peer;
    const { installed, commands } = installedState(peer);
    return { name, device, summary, installed, commands };
  });

/** A line for each peer: what it is, and the command that brings it where it is missing. */
export const peerLines = (): string[] =>
  peerListings().map(
    ({ name, summary, installed, commands }) =>
      `  ${name.padEnd(26)} ${summary}; ${installed ? 'installed' : `missing: ${commands.join(' && ')}`}`,
  );

export function listPeers(): ExitCode {
  process.stdout.write(`${peerLines().join('\n')}\n`);
  return EXIT.passed;
}

/** Installs peers one after another. What only the system can bring is said, and counts as a failure. */
export function installPeers(names: readonly string[]): ExitCode {
  const wanted = names.map((name) => {
    const peer = peerFor(name);
    if (!peer) throw new UsageError(unknownName('peer', name, peerNames));
    return peer;
  });
  let code: ExitCode = EXIT.passed;
  for (const peer of wanted) {
    console.error(`installing ${peer.name}`);
    installPeer(peer);
    const missing = notInstalled(peer);
    process.stdout.write(`${missing ?? `${peer.name} is installed`}\n`);
    if (missing) code = EXIT.failed;
  }
  return code;
}

// Peers as the plan needs them. The adapters are loaded only where a peer is asked for.

import { unknownName } from '../nearest.ts';
import { peerCaseOf } from '../peer-exercise.ts';
import type { PlannedPeer } from '../plan.ts';
import { type Case, UsageError } from '../suite.ts';

/** The peers of these names. Throws a UsageError for one that there is no adapter for; one that is not installed refuses every case. */
export async function plannedPeers(names: readonly string[]): Promise<PlannedPeer[]> {
  if (names.length === 0) return [];
  const { peerFor, peerNames } = await import('../peers/catalog.ts');
  const { notInstalled } = await import('../peers/install.ts');
  return names.map((name) => {
    const peer = peerFor(name);
    if (!peer) throw new UsageError(unknownName('peer', name, peerNames));
    const missing = notInstalled(peer);
    const refuses = (one: Case): string | undefined => {
      const { readback, devices } = one;
      const asked = peerCaseOf(one);
      if (!asked) return `no peer is compared in ${one.problem?.op ?? 'functions of a suite'}`;
      if (devices && !devices.includes(peer.device)) return `the case is not for ${peer.device}`;
      // A peer on a GPU ends each call with its result on the host; against arms that leave it there it would look slow.
      if (peer.device === 'webgpu' && !readback) return 'its results come back to the host; compare it in cases with --readback';
      return missing ?? peer.supports(asked);
    };
    return { name, device: peer.device, threaded: peer.threaded, refuses };
  });
}

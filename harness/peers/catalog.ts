// The explicit list of peers.

import { jaxJsWasm, jaxJsWebgpu } from './jax-js.ts';
import { onnxruntimeNode } from './onnxruntime-node.ts';
import { onnxruntimeWeb } from './onnxruntime-web.ts';
import { openblas } from './openblas.ts';
import type { Peer } from './peer.ts';
import { tfjsWasm } from './tfjs-wasm.ts';
import { tfjsWebgpu } from './tfjs-webgpu.ts';
import { torch } from './torch.ts';

export const peers: readonly Peer[] = [openblas, onnxruntimeNode, onnxruntimeWeb, tfjsWasm, tfjsWebgpu, jaxJsWasm, jaxJsWebgpu, torch];

export const peerNames: readonly string[] = peers.map(({ name }) => name);

/** The peer of that name, or undefined. */
export const peerFor = (name: string): Peer | undefined => peers.find((peer) => peer.name === name);

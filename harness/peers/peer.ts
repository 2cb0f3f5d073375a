// A peer is a library that computes what our kernels compute: another arm in the same rounds, checked like our own.
//
// Peers are optional. Their packages lie in the user's cache folder, apart from the project (install.ts); system libraries come from the system.

import type { Training } from '../../framework/exact/training.ts';
import type { DeviceKind } from '../../kernels/kernel.ts';
import type { Conv2dProblem, MatmulProblem } from '../../kernels/problem.ts';
import type { LoaderCase } from './loader.ts';
import type { ModelCase } from './model.ts';

/** What a peer is asked to do. Each kind has its inputs and its check in `peer-exercise.ts`, and what its adapters have in common in a file of its name here. */
export type PeerCase = GemmCase | ConvCase | TrainStepCase | ModelCase | LoaderCase;

/** One matmul problem; operands are those of the problem, the result is C. */
export interface GemmCase {
  readonly kind: 'gemm';
  readonly problem: MatmulProblem;
}

/** One pass of a convolution; operands and result are those of the problem, images as NCHW, whatever layout the library has. */
export interface ConvCase {
  readonly kind: 'conv';
  readonly problem: Conv2dProblem;
  /** Operands that a library may pack when the case is prepared, since they never change. */
  readonly constants: readonly string[];
}

/** A step of gradient descent a call, on the same batch; the result is one number, the loss before the last step. Inputs are those of the training. */
export interface TrainStepCase {
  readonly kind: 'train-step';
  readonly training: Training;
}

/** Inputs by name (A, B, bias; input, filter, as they lie in the host's memory. */
export type Inputs = Readonly<Record<string, Float32Array<ArrayBuffer>>>;

/** What must be there before a peer runs. */
export interface Needs {
  /** Packages of the npm registry with their exact versions. */
  readonly npm: Readonly<Record<string, string>>;
  readonly system?: {
    /** What it is, for a message: `libopenblas`. */
    readonly name: string;
    readonly command: string;
    /** Where it was found, or undefined. */
    find(): string | undefined;
  };
}

/** Where a peer's packages lie. */
export interface Place {
  /** Loads one of the packages that the peer needs. */
  load(name: string): unknown;
  /** Its version as installed. */
  version(name: string): string;
}

export interface Peer {
  readonly name: string;
  readonly device: DeviceKind;
  /** True where it runs on as many threads as it is told; otherwise on one, or on a GPU. */
  readonly threaded: boolean;
  /** The library, in a line. */
  readonly summary: string;
  readonly needs: Needs;
  /** Why it cannot do the case, or undefined if it can. */
  supports(asked: PeerCase): string | undefined;
  /** Loads the library into this process. Throws a PeerError where it is not installed, does not load, or is not fit to compare with. */
  open(place: Place, options: { readonly threads: number }): Promise<OpenPeer>;
}

/** A library that is loaded, for a thread count that stays. */
export interface OpenPeer {
  /** Versions and build configuration, by name. */
  versions(): Readonly<Record<string, string>>;
  /**
   * Hands over the operands, in the library's own layout: what that takes is not part of a call. Nothing of them is packed in advance but what the case
   * says is constant: each call does all the work on them.
   */
  prepare(asked: PeerCase, inputs: Inputs): Promise<PeerRun>;
  close(): void | Promise<void>;
}

/** A case made ready in a library. */
export interface PeerRun {
  /** One call, its result in the host's memory at the end. On WebGPU inputs stay on the device and waits are throttled as ours are. */
  run(): void | Promise<void>;
  /** The same call with the library's own way of waiting, where that differs: what its users see. */
  runUnthrottled?(): Promise<void>;
  /** Nanoseconds of a call, for a peer in another process: timed in there, over `iterations` calls. */
  time?(iterations: number): Promise<number>;
  /** The result of the last call, in the case's layout. */
  read(): Promise<Float32Array<ArrayBuffer>>;
  close(): void | Promise<void>;
}

/** A peer that cannot be had: the message says what is missing and the command that brings it. */
export class PeerError extends Error {
  override readonly name = 'PeerError';
}

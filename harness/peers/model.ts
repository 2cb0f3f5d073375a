// A whole net as a case: its graph as a list of ops with values by name, which each library's adapter turns into its own.

import type { Model } from '../../framework/zoo/model.ts';

/**
 * A model of the zoo. A forward gives its logits; weights are constant, and a library may pack them when the case is prepared. A backward is a training
 * step's forward and backward without the update: it gives the loss, and the gradient by the first parameter, which is the last to be computed.
 */
export interface ModelCase {
  readonly kind: 'model';
  readonly model: Model;
  readonly pass: 'forward' | 'backward';
  /** Filled in where the case is made ready, and with it the values of its constants among the inputs. */
  readonly graph?: ModelOps;
}

/** Ops in order, each after those that it depends on. */
export interface ModelOps {
  /** The inputs by name: `images`, constants or parameters, and of a backward `classes`, one whole number an image. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly ops: readonly ModelOp[];
  /** Inputs that a backward differentiates by, in order. */
  readonly parameters: readonly string[];
  /** Name of the result, and its shape. */
  readonly output: string;
  readonly shape: readonly number[];
}

export interface ModelOp {
  /** As in our table of ops; a product's second operand is stored [N, K], and of `standardize` there are input, weight and bias, one a channel. */
  readonly op: string;
  /** Names of inputs and outputs of other ops, or numbers. */
  readonly operands: readonly (string | number)[];
  readonly output: string;
  readonly shape: readonly number[];
  readonly window?: ModelWindow;
  readonly relu?: boolean;
  readonly residual?: boolean;
  readonly axes?: readonly number[];
  readonly keepDims?: boolean;
  readonly epsilon?: number;
  /** Whether nobody else reads the first operand, which another op has computed: its place may be taken. */
  readonly inPlace?: boolean;
}

/** Of convolutions and pools, vertical before horizontal. */
export interface ModelWindow {
  readonly size: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** Top, left, bottom, right. */
  readonly pads: readonly [number, number, number, number];
  readonly groups: number;
}

/** Names of the constants of a forward. */
export const constantsOf = ({ inputs }: ModelOps): string[] => Object.keys(inputs).filter((name) => name !== IMAGES);

/** Names of the inputs that are no weights. */
export const IMAGES = 'images';
export const CLASSES = 'classes';

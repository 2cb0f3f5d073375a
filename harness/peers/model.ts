// A whole net as a case: its graph as a list of ops with values by name, which each library's adapter turns into its own.

import type { Model } from '../../framework/zoo/model.ts';

/** A forward of a model of the zoo; the result is its logits. Weights are constant: a library may pack them when the case is prepared. */
export interface ModelCase {
  readonly kind: 'model';
  readonly model: Model;
  /** Filled in where the case is made ready, and with it the values of its constants among the inputs. */
  readonly graph?: ModelOps;
}

/** Ops in order, each after those that it depends on. */
export interface ModelOps {
  /** The inputs by name: `images`, and constants. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly ops: readonly ModelOp[];
  /** Name of the result, and its shape. */
  readonly output: string;
  readonly shape: readonly number[];
}

export interface ModelOp {
  /** As in our table of ops; a product's second operand is stored [N, K]. */
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

/** The constants' names. */
export const constantsOf = ({ inputs }: ModelOps): string[] => Object.keys(inputs).filter((name) => name !== IMAGES);

/** Name of the input that is no constant. */
export const IMAGES = 'images';

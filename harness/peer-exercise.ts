// An exercise is a case as a peer gets it: inputs made from the seed, and the check of its result. One entry for each kind of case.

import type { Problem } from '../kernels/problem.ts';
import { resultNames } from '../kernels/problem.ts';
import { checkResults, resultBytes, seededInputs } from './operands.ts';
import type { Accuracy } from './oracle.ts';
import type { Inputs, PeerCase } from './peers/peer.ts';
import type { Case } from './suite.ts';

export interface Exercise {
  readonly inputs: Inputs;
  /** Bytes of the result. */
  readonly resultBytes: number;
  /** How accurate a result is; undefined where it has no error to speak of. Throws an ArmFailure 'wrong'. */
  check(result: Float32Array<ArrayBuffer>): Accuracy | undefined;
}

/** What a case asks of peers; undefined where there is nothing to compare them in. */
export function peerCaseOf({ problem, constants = [], asked }: Pick<Case, 'problem' | 'constants' | 'asked'>): PeerCase | undefined {
  if (asked) return asked;
  if (problem?.op === 'matmul') return { kind: 'gemm', problem };
  if (problem?.op === 'conv2d') return { kind: 'conv', problem, constants };
  return undefined;
}

export function exerciseOf(asked: PeerCase, seed: number): Exercise {
  switch (asked.kind) {
    case 'gemm':
    case 'conv':
      return problemExercise(asked.problem, seed);
  }
}

/** The operands that our kernels get too, and the bound that they must meet too. */
function problemExercise(problem: Problem, seed: number): Exercise {
  const inputs = seededInputs(problem, seed);
  const [result] = resultNames(problem);
  return {
    inputs: inputs as Inputs,
    resultBytes: resultBytes(problem),
    check: (values) => checkResults(problem, inputs, { [result]: values }, { device: 'cpu', seed }),
  };
}

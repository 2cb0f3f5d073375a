// An exercise is a case as a peer gets it: inputs made from the seed, and the check of its result. One entry for each kind of case.

import { firstLosses } from '../framework/exact/net.ts';
import { outputsOf, trainingData } from '../framework/exact/training.ts';
import { type Problem, resultNames } from '../kernels/problem.ts';
import { modelExercise } from './model-exercise.ts';
import { resultBytes, seededInputs } from './operands.ts';
import { type Accuracy, checkResults } from './oracle.ts';
import { batchElements, firstBatch, type LoaderCase, MEAN_BOUND, meansOf } from './peers/loader.ts';
import type { ConvCase, GemmCase, Inputs, PeerCase, TrainStepCase } from './peers/peer.ts';
import { ArmFailure } from './protocol.ts';
import type { Case } from './suite.ts';

export interface Exercise {
  /** What the peer is handed: the case, with what was found when it was made ready. */
  readonly asked: PeerCase;
  readonly inputs: Inputs;
  /** Calls before the result is checked. */
  readonly calls: number;
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

export function exerciseOf(asked: PeerCase, seed: number): Exercise | Promise<Exercise> {
  switch (asked.kind) {
    case 'gemm':
    case 'conv':
      return problemExercise(asked, seed);
    case 'train-step':
      return trainingExercise(asked, seed);
    case 'model':
      return modelExercise(asked);
    case 'loader':
      return loadingExercise(asked);
  }
}

/** Pictures are read from their files; decoders differ in the last bit, so that each picture's mean is compared. */
function loadingExercise(asked: LoaderCase): Exercise {
  return {
    asked,
    inputs: {},
    calls: 1,
    resultBytes: 4 * batchElements(asked),
    check(values) {
      if (values.length !== batchElements(asked))
        throw new ArmFailure('wrong', `the first batch has ${values.length} elements, expected ${batchElements(asked)}`);
      const errors = meansOf(values, firstBatch(asked)).map((mean, i) => Math.abs(mean - asked.means[i]));
      const worst = errors.findIndex((error) => !(error <= MEAN_BOUND));
      if (worst >= 0)
        throw new ArmFailure(
          'wrong',
          `the mean of ${asked.files[worst]} is ${errors[worst]} off ours, ${asked.means[worst]}; expected at most ${MEAN_BOUND.toFixed(4)}`,
        );
      const worstError = Math.max(...errors);
      return { maxRelErr: worstError, err2norm: worstError };
    },
  };
}

/** The operands that our kernels get too, and the bound that they must meet too. */
function problemExercise(asked: GemmCase | ConvCase, seed: number): Exercise {
  const problem: Problem = asked.problem;
  const inputs = seededInputs(problem, seed);
  const [result] = resultNames(problem);
  return {
    asked,
    inputs: inputs as Inputs,
    calls: 1,
    resultBytes: resultBytes(problem),
    check: (values) => checkResults(problem, inputs, { [result]: values }, { device: 'cpu', seed }),
  };
}

/** Steps until the loss is compared: it shows what every one before has made of the parameters. */
const STEPS = 3;
/**
 * How far the loss may lie from that in float64, as a share of it: our own bound, and for each number that the net puts out what a library may lose that
 * sums the squares one after another in f32 (TensorFlow.js: 4e-4 over a million).
 */
const LOSS_BOUND = 1e-5;
const LOST_BY_SUM = 2 ** -30;

/** The data and initial parameters that our own steps get too. */
function trainingExercise(asked: TrainStepCase, seed: number): Exercise {
  const { training } = asked;
  const inputs = trainingData(training, seed);
  return {
    asked,
    inputs,
    calls: STEPS,
    resultBytes: 4,
    check([loss]) {
      const expected = firstLosses(training, inputs, STEPS)[STEPS - 1];
      const error = Math.abs(loss - expected) / expected;
      const bound = LOSS_BOUND + LOST_BY_SUM * training.batch * outputsOf(training);
      if (!(error <= bound))
        throw new ArmFailure(
          'wrong',
          `the loss of step ${STEPS - 1} is ${loss}, expected ${expected} within ${bound.toExponential(1)} of it`,
        );
      return { maxRelErr: error, err2norm: error };
    },
  };
}

// The ladder: the forms of the lecture in its order, each with the float64 losses that it must follow.

import { exactLosses } from '../../framework/exact/net.ts';
import type { TrainingData } from '../../framework/exact/training.ts';
import type { Device } from '../../kernels/device.ts';
import { autograd } from './dynamic/autograd.ts';
import { BATCH, batches, batchesOf } from './dynamic/batches.ts';
import { custom } from './dynamic/custom.ts';
import { modules } from './dynamic/modules.ts';
import { optimizer as dynamicOptimizer } from './dynamic/optim.ts';
import { subclass } from './dynamic/subclass.ts';
import { tensors } from './dynamic/tensors.ts';
import { type Rung, type Start, twoLayer } from './start.ts';
import { arrays } from './static/arrays.ts';
import { assign } from './static/assign.ts';
import { group } from './static/group.ts';
import { layers, xavierStart } from './static/layers.ts';
import { optimizer as staticOptimizer } from './static/optimizer.ts';
import { placeholders } from './static/placeholders.ts';
import { variables } from './static/variables.ts';

export interface LadderRung {
  readonly style: 'static' | 'dynamic';
  readonly name: string;
  readonly train: Rung;
  /** True where it computes on the host, whatever the device. */
  readonly onHost?: boolean;
  /** Examples of a step; all if absent. */
  readonly batch?: number;
  /** The losses in float64, without end. */
  exact(start: Start, device: Device): AsyncGenerator<number>;
}

const named = ({ x, y, w1, w2 }: Pick<Start, 'x' | 'y' | 'w1' | 'w2'>): TrainingData => ({ x, y, '0.weight': w1, '2.weight': w2 });

function* forever<T>(value: T): Generator<T> {
  for (;;) yield value;
}

async function* onAll(start: Start): AsyncGenerator<number> {
  const { N, D, H } = start;
  yield* exactLosses(twoLayer(N, D, H), named(start), forever(named(start)));
}

async function* onXavier(start: Start, device: Device): AsyncGenerator<number> {
  yield* onAll(await xavierStart(start, device));
}

async function* onBatches(start: Start): AsyncGenerator<number> {
  const { D, H } = start;
  yield* exactLosses(twoLayer(BATCH, D, H), named(start), batchesOf(start));
}

export const ladder: readonly LadderRung[] = [
  { style: 'static', name: 'arrays', train: arrays, exact: onAll, onHost: true },
  { style: 'static', name: 'placeholders', train: placeholders, exact: onAll },
  { style: 'static', name: 'variables', train: variables, exact: onAll },
  { style: 'static', name: 'assign', train: assign, exact: onAll },
  { style: 'static', name: 'group', train: group, exact: onAll },
  { style: 'static', name: 'optimizer', train: staticOptimizer, exact: onAll },
  { style: 'static', name: 'layers', train: layers, exact: onXavier },
  { style: 'dynamic', name: 'tensors', train: tensors, exact: onAll },
  { style: 'dynamic', name: 'autograd', train: autograd, exact: onAll },
  { style: 'dynamic', name: 'custom', train: custom, exact: onAll },
  { style: 'dynamic', name: 'modules', train: modules, exact: onAll },
  { style: 'dynamic', name: 'optim', train: dynamicOptimizer, exact: onAll },
  { style: 'dynamic', name: 'subclass', train: subclass, exact: onAll },
  { style: 'dynamic', name: 'batches', train: batches, exact: onBatches, batch: BATCH },
];

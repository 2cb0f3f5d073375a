// A worker of a loader, for one epoch: it claims batch numbers from the board and makes those batches, until none is left.
//
// Piscina keeps a process alive while one of its tasks runs. So the Piscina task only enlists: it returns, and the thread goes on to serve. An epoch that nobody
// reads to its end then keeps no process from ending.

import { SpanLog } from '../../kernels/span-log.ts';
import { BatchMaker, type OnError } from './batch-maker.ts';
import { Board, type BoardShape } from './board.ts';
import type { Recipe } from './dataset.ts';
import { Leaving } from './leaving.ts';
import { LoaderError } from './loader-error.ts';
import { openRecipe } from './recipe.ts';
import { Ring, type RingShape } from './ring.ts';
import { StageClock } from './stage-clock.ts';

export interface Orders {
  /** From 0. */
  readonly worker: number;
  readonly recipe: Recipe;
  /** Samples of the dataset, as the consumer knows it. */
  readonly length: number;
  readonly ring: { readonly shape: RingShape; readonly memory: SharedArrayBuffer };
  readonly board: { readonly shape: BoardShape; readonly memory: SharedArrayBuffer };
  readonly epoch: number;
  readonly onError: OnError;
  readonly log?: SharedArrayBuffer;
  /** By which the threads are asked to leave. */
  readonly leaving: SharedArrayBuffer;
}

export default function enlist(orders: Orders): void {
  setImmediate(() => void serve(orders));
}

/** The board of the epoch that is served now, for `begin`. */
let current: Board;
/** A thread works for one loader, whose dataset it opens once. */
let opened: Promise<BatchMaker> | undefined;
let leaving: Leaving | undefined;

function leavingOf({ leaving: memory, worker }: Orders): Leaving {
  if (!leaving) {
    leaving = new Leaving(memory);
    leaving.stopWhenAsked(worker);
  }
  return leaving;
}

async function open(orders: Orders): Promise<BatchMaker> {
  const { worker, recipe, length, ring, onError, log } = orders;
  const leaving = leavingOf(orders);
  const dataset = await openRecipe(recipe);
  const place = `${recipe.name} of ${recipe.module}`;
  if (dataset.length !== length) throw new LoaderError(`${place} opens a dataset of ${dataset.length} samples, expected ${length}`);
  if (JSON.stringify(dataset.fields) !== JSON.stringify(ring.shape.fields))
    throw new LoaderError(
      `${place} opens a dataset of the fields ${JSON.stringify(dataset.fields)}, expected ${JSON.stringify(ring.shape.fields)}`,
    );
  return new BatchMaker(dataset, new Ring(ring.shape, ring.memory), {
    onError,
    clock: new StageClock(worker, log && new SpanLog(log)),
    begin(index) {
      current.begin(worker, index);
      return !leaving.isAsked;
    },
  });
}

async function serve(orders: Orders): Promise<void> {
  const board = new Board(orders.board.shape, orders.board.memory);
  current = board;
  const leaving = leavingOf(orders);
  if (!leaving.enter(orders.worker)) return;
  try {
    opened ??= open(orders);
    const maker = await opened;
    maker.dataset.epoch = orders.epoch;
    for (let batch = board.claim(); batch >= 0; batch = board.claim()) {
      const slot = board.slotOf(batch);
      const { held, message, making } = await maker.make(batch, slot, board.samplesOf(batch), board.held(slot));
      if (leaving.isAsked) break;
      board.publish(batch, held, making, message);
    }
  } catch (error) {
    board.fail(orders.worker, (error as Error).message ?? String(error));
  } finally {
    leaving.leave(orders.worker);
  }
}

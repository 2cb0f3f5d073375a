// The nets of the sweep, by how many parameters they are to have.

import type { Layer, Training } from '../../framework/exact/training.ts';
import { twoLayer } from '../lecture/start.ts';

/** Multiply-adds that the float64 oracle may do for a product of one layer: the examples that differ are as many as that allows. */
const ORACLE_TERMS = 5e7;

/** Inputs per hidden unit of the two-layer net, as in the lecture: 1000 to 100. */
const WIDTH = 10;
const DEPTH = 4;

const distinctOf = (batch: number, parameters: number): number => Math.max(1, Math.min(batch, Math.floor(ORACLE_TERMS / parameters)));

/** x [N, 10 H] · w1 [10 H, H] · w2 [H, 10 H]. Examples that repeat pull all one way: the fewer differ, the shorter the step that descends. */
function lecture(batch: number, wanted: number): Training {
  const hidden = Math.max(1, Math.round(Math.sqrt(wanted / (2 * WIDTH))));
  const distinct = distinctOf(batch, wanted);
  const training = twoLayer(batch, WIDTH * hidden, hidden, distinct);
  return { ...training, rate: (training.rate * distinct) / batch };
}

/** Four square layers with ReLU between them. */
function deep(batch: number, wanted: number): Training {
  const width = Math.max(1, Math.round(Math.sqrt(wanted / DEPTH)));
  const layers = Array.from({ length: DEPTH }, (_, i): Layer[] => [
    ...(i > 0 ? [{ kind: 'relu' } as const] : []),
    { kind: 'linear', inputs: width, outputs: width, bias: false },
  ]).flat();
  return { example: [width], batch, layers, loss: 'mse', rate: 2, distinct: distinctOf(batch, wanted) };
}

export const NETS = { 'two-layer': lecture, 'four-layer': deep } as const;
export type Net = keyof typeof NETS;

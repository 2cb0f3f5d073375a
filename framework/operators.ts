// Operators are the ops as methods of a value, tensor or node, for chains: x.matmul(w).relu(). What each computes and when it throws stands with the op in ops/.

import type { DType, Pair } from '../kernels/index.ts';
import type { Operand, Value } from './op.ts';
import * as ops from './ops/index.ts';

export abstract class Operators {
  add<V extends Value>(this: V, y: Operand<V>): V {
    return ops.add<V>(this, y);
  }
  sub<V extends Value>(this: V, y: Operand<V>): V {
    return ops.sub<V>(this, y);
  }
  mul<V extends Value>(this: V, y: Operand<V>): V {
    return ops.mul<V>(this, y);
  }
  div<V extends Value>(this: V, y: Operand<V>): V {
    return ops.div<V>(this, y);
  }
  pow<V extends Value>(this: V, y: Operand<V>): V {
    return ops.pow<V>(this, y);
  }
  maximum<V extends Value>(this: V, y: Operand<V>): V {
    return ops.maximum<V>(this, y);
  }
  minimum<V extends Value>(this: V, y: Operand<V>): V {
    return ops.minimum<V>(this, y);
  }
  eq<V extends Value>(this: V, y: Operand<V>): V {
    return ops.eq<V>(this, y);
  }
  ne<V extends Value>(this: V, y: Operand<V>): V {
    return ops.ne<V>(this, y);
  }
  lt<V extends Value>(this: V, y: Operand<V>): V {
    return ops.lt<V>(this, y);
  }
  le<V extends Value>(this: V, y: Operand<V>): V {
    return ops.le<V>(this, y);
  }
  gt<V extends Value>(this: V, y: Operand<V>): V {
    return ops.gt<V>(this, y);
  }
  ge<V extends Value>(this: V, y: Operand<V>): V {
    return ops.ge<V>(this, y);
  }
  and<V extends Value>(this: V, y: Operand<V>): V {
    return ops.and<V>(this, y);
  }
  or<V extends Value>(this: V, y: Operand<V>): V {
    return ops.or<V>(this, y);
  }
  neg<V extends Value>(this: V): V {
    return ops.neg<V>(this);
  }
  abs<V extends Value>(this: V): V {
    return ops.abs<V>(this);
  }
  exp<V extends Value>(this: V): V {
    return ops.exp<V>(this);
  }
  log<V extends Value>(this: V): V {
    return ops.log<V>(this);
  }
  sqrt<V extends Value>(this: V): V {
    return ops.sqrt<V>(this);
  }
  square<V extends Value>(this: V): V {
    return ops.square<V>(this);
  }
  relu<V extends Value>(this: V): V {
    return ops.relu<V>(this);
  }
  sigmoid<V extends Value>(this: V): V {
    return ops.sigmoid<V>(this);
  }
  tanh<V extends Value>(this: V): V {
    return ops.tanh<V>(this);
  }
  gelu<V extends Value>(this: V): V {
    return ops.gelu<V>(this);
  }
  not<V extends Value>(this: V): V {
    return ops.not<V>(this);
  }
  floor<V extends Value>(this: V): V {
    return ops.floor<V>(this);
  }
  leakyRelu<V extends Value>(this: V, slope?: number): V {
    return ops.leakyRelu<V>(this, slope);
  }
  clip<V extends Value>(this: V, low: Operand<V>, high: Operand<V>): V {
    return ops.clip<V>(this, low, high);
  }
  cast<V extends Value>(this: V, dtype: DType): V {
    return ops.cast<V>(this, dtype);
  }
  matmul<V extends Value>(this: V, y: V, options?: ops.MatmulOptions<V>): V {
    return ops.matmul<V>(this, y, options);
  }
  sum<V extends Value>(this: V, axes?: ops.Axes, options?: ops.ReduceOptions): V {
    return ops.sum<V>(this, axes, options);
  }
  mean<V extends Value>(this: V, axes?: ops.Axes, options?: ops.ReduceOptions): V {
    return ops.mean<V>(this, axes, options);
  }
  max<V extends Value>(this: V, axes?: ops.Axes, options?: ops.ReduceOptions): V {
    return ops.max<V>(this, axes, options);
  }
  min<V extends Value>(this: V, axes?: ops.Axes, options?: ops.ReduceOptions): V {
    return ops.min<V>(this, axes, options);
  }
  argmax<V extends Value>(this: V, axes?: ops.Axes, options?: ops.ReduceOptions): V {
    return ops.argmax<V>(this, axes, options);
  }
  argmin<V extends Value>(this: V, axes?: ops.Axes, options?: ops.ReduceOptions): V {
    return ops.argmin<V>(this, axes, options);
  }
  reshape<V extends Value>(this: V, ...shape: number[]): V {
    return ops.reshape<V>(this, shape);
  }
  transpose<V extends Value>(this: V, ...order: number[]): V {
    return ops.transpose<V>(this, order.length ? order : undefined);
  }
  broadcastTo<V extends Value>(this: V, ...shape: number[]): V {
    return ops.broadcastTo<V>(this, shape);
  }
  slice<V extends Value>(this: V, ...ranges: ops.Range[]): V {
    return ops.slice<V>(this, ...ranges);
  }
  clone<V extends Value>(this: V): V {
    return ops.clone<V>(this);
  }
  pad<V extends Value>(this: V, margins: readonly (readonly [number, number])[], value?: number): V {
    return ops.pad<V>(this, margins, value);
  }
  softmax<V extends Value>(this: V, axis?: number): V {
    return ops.softmax<V>(this, axis);
  }
  logSoftmax<V extends Value>(this: V, axis?: number): V {
    return ops.logSoftmax<V>(this, axis);
  }
  conv2d<V extends Value>(this: V, filter: V, options?: ops.Conv2dOptions<V>): V {
    return ops.conv2d<V>(this, filter, options);
  }
  maxPool2d<V extends Value>(this: V, window: Pair, options?: ops.PoolOptions): V {
    return ops.maxPool2d<V>(this, window, options);
  }
  avgPool2d<V extends Value>(this: V, window: Pair, options?: ops.AveragePoolOptions): V {
    return ops.avgPool2d<V>(this, window, options);
  }
  globalAvgPool<V extends Value>(this: V, options?: ops.ReduceOptions): V {
    return ops.globalAvgPool<V>(this, options);
  }
  gather<V extends Value>(this: V, indices: V, axis?: number): V {
    return ops.gather<V>(this, indices, axis);
  }
  oneHot<V extends Value>(this: V, classes: number): V {
    return ops.oneHot<V>(this, classes);
  }
}

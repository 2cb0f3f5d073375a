// Operators are the ops as methods of a tensor, for chains: x.matmul(w).relu(). What each computes and when it throws stands with the op in ops/.

import type { DType } from '../kernels/index.ts';
import type { Operand } from './op.ts';
import * as ops from './ops/index.ts';
import type { Tensor } from './tensor.ts';

export abstract class Operators {
  add(this: Tensor, y: Operand<Tensor>): Tensor {
    return ops.add<Tensor>(this, y);
  }
  sub(this: Tensor, y: Operand<Tensor>): Tensor {
    return ops.sub<Tensor>(this, y);
  }
  mul(this: Tensor, y: Operand<Tensor>): Tensor {
    return ops.mul<Tensor>(this, y);
  }
  div(this: Tensor, y: Operand<Tensor>): Tensor {
    return ops.div<Tensor>(this, y);
  }
  pow(this: Tensor, y: Operand<Tensor>): Tensor {
    return ops.pow<Tensor>(this, y);
  }
  maximum(this: Tensor, y: Operand<Tensor>): Tensor {
    return ops.maximum<Tensor>(this, y);
  }
  minimum(this: Tensor, y: Operand<Tensor>): Tensor {
    return ops.minimum<Tensor>(this, y);
  }
  eq(this: Tensor, y: Operand<Tensor>): Tensor {
    return ops.eq<Tensor>(this, y);
  }
  ne(this: Tensor, y: Operand<Tensor>): Tensor {
    return ops.ne<Tensor>(this, y);
  }
  lt(this: Tensor, y: Operand<Tensor>): Tensor {
    return ops.lt<Tensor>(this, y);
  }
  le(this: Tensor, y: Operand<Tensor>): Tensor {
    return ops.le<Tensor>(this, y);
  }
  gt(this: Tensor, y: Operand<Tensor>): Tensor {
    return ops.gt<Tensor>(this, y);
  }
  ge(this: Tensor, y: Operand<Tensor>): Tensor {
    return ops.ge<Tensor>(this, y);
  }
  and(this: Tensor, y: Operand<Tensor>): Tensor {
    return ops.and<Tensor>(this, y);
  }
  or(this: Tensor, y: Operand<Tensor>): Tensor {
    return ops.or<Tensor>(this, y);
  }
  neg(this: Tensor): Tensor {
    return ops.neg<Tensor>(this);
  }
  abs(this: Tensor): Tensor {
    return ops.abs<Tensor>(this);
  }
  exp(this: Tensor): Tensor {
    return ops.exp<Tensor>(this);
  }
  log(this: Tensor): Tensor {
    return ops.log<Tensor>(this);
  }
  sqrt(this: Tensor): Tensor {
    return ops.sqrt<Tensor>(this);
  }
  square(this: Tensor): Tensor {
    return ops.square<Tensor>(this);
  }
  relu(this: Tensor): Tensor {
    return ops.relu<Tensor>(this);
  }
  sigmoid(this: Tensor): Tensor {
    return ops.sigmoid<Tensor>(this);
  }
  tanh(this: Tensor): Tensor {
    return ops.tanh<Tensor>(this);
  }
  gelu(this: Tensor): Tensor {
    return ops.gelu<Tensor>(this);
  }
  not(this: Tensor): Tensor {
    return ops.not<Tensor>(this);
  }
  floor(this: Tensor): Tensor {
    return ops.floor<Tensor>(this);
  }
  leakyRelu(this: Tensor, slope?: number): Tensor {
    return ops.leakyRelu<Tensor>(this, slope);
  }
  clip(this: Tensor, low: Operand<Tensor>, high: Operand<Tensor>): Tensor {
    return ops.clip<Tensor>(this, low, high);
  }
  cast(this: Tensor, dtype: DType): Tensor {
    return ops.cast<Tensor>(this, dtype);
  }
  matmul(this: Tensor, y: Tensor, options?: ops.MatmulOptions<Tensor>): Tensor {
    return ops.matmul<Tensor>(this, y, options);
  }
  sum(this: Tensor, axes?: ops.Axes, options?: ops.ReduceOptions): Tensor {
    return ops.sum<Tensor>(this, axes, options);
  }
  mean(this: Tensor, axes?: ops.Axes, options?: ops.ReduceOptions): Tensor {
    return ops.mean<Tensor>(this, axes, options);
  }
  max(this: Tensor, axes?: ops.Axes, options?: ops.ReduceOptions): Tensor {
    return ops.max<Tensor>(this, axes, options);
  }
  min(this: Tensor, axes?: ops.Axes, options?: ops.ReduceOptions): Tensor {
    return ops.min<Tensor>(this, axes, options);
  }
  argmax(this: Tensor, axes?: ops.Axes, options?: ops.ReduceOptions): Tensor {
    return ops.argmax<Tensor>(this, axes, options);
  }
  argmin(this: Tensor, axes?: ops.Axes, options?: ops.ReduceOptions): Tensor {
    return ops.argmin<Tensor>(this, axes, options);
  }
  reshape(this: Tensor, ...shape: number[]): Tensor {
    return ops.reshape<Tensor>(this, shape);
  }
  transpose(this: Tensor, ...order: number[]): Tensor {
    return ops.transpose<Tensor>(this, order.length ? order : undefined);
  }
  broadcastTo(this: Tensor, ...shape: number[]): Tensor {
    return ops.broadcastTo<Tensor>(this, shape);
  }
  slice(this: Tensor, ...ranges: ops.Range[]): Tensor {
    return ops.slice<Tensor>(this, ...ranges);
  }
  clone(this: Tensor): Tensor {
    return ops.clone<Tensor>(this);
  }
  pad(this: Tensor, margins: readonly (readonly [number, number])[], value?: number): Tensor {
    return ops.pad<Tensor>(this, margins, value);
  }
  softmax(this: Tensor, axis?: number): Tensor {
    return ops.softmax<Tensor>(this, axis);
  }
  logSoftmax(this: Tensor, axis?: number): Tensor {
    return ops.logSoftmax<Tensor>(this, axis);
  }
}

// Losses as modules, for nets that are put together of parts; the functions beside the ops do the work.

import { crossEntropy, mseLoss } from '../ops/softmax.ts';
import type { Tensor } from '../tensor.ts';
import { Module } from './module.ts';

/** Logits [.., classes] against i32 classes [..] or probabilities [.., classes]: one number, the mean over rows. */
export class CrossEntropyLoss extends Module {
  forward(logits: Tensor, targets: Tensor): Tensor {
    return crossEntropy(logits, targets);
  }
}

/** The mean squared difference of two tensors of one shape. */
export class MseLoss extends Module {
  forward(predictions: Tensor, targets: Tensor): Tensor {
    return mseLoss(predictions, targets);
  }
}

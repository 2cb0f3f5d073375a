// A loop over minibatches: whatever can be iterated will do, a generator as here or a data loader. Each step moves one batch to the device.

import { mseLoss, optim, scope, tensor } from '../../../framework/index.ts';
import type { Device } from '../../../kernels/device.ts';
import { loadWeights, type Start } from '../start.ts';
import { TwoLayerNet } from './subclass.ts';

/** Examples of a batch. */
export const BATCH = 8;

/** The data in batches, epoch after epoch. */
export function* batchesOf({ N, D, x, y }: Start) {
  for (;;)
    for (let first = 0; first + BATCH <= N; first += BATCH) {
      const rows = [first * D, (first + BATCH) * D] as const;
      yield { x: x.subarray(...rows), y: y.subarray(...rows) };
    }
}

export async function* batches(start: Start, device: Device) {
  const { D, H, rate } = start;
  using net = new TwoLayerNet(D, H, device);
  loadWeights(net, start);
  using sgd = new optim.Sgd(net.parameters(), { lr: rate });

  for (const batch of batchesOf(start))
    yield await scope(() => {
      const x = tensor(batch.x, { device, shape: [BATCH, D] });
      const y = tensor(batch.y, { device, shape: [BATCH, D] });
      const loss = mseLoss(net.forward(x), y);
      sgd.zeroGrad();
      loss.backward();
      sgd.step();
      return loss.item();
    });
}

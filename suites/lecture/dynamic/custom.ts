// A Function of one's own: forward computes on tensors, backward passes the gradient on, and autograd takes it like any other op.

import { assign, customFunction, noGrad, scope, tensor, where } from '../../../framework/index.ts';
import type { Device } from '../../../kernels/device.ts';
import type { Start } from '../start.ts';

const relu = customFunction({
  name: 'my relu',
  forward: (x) => x.maximum(0),
  backward: ({ inputs: [x] }, upstream) => [where(x.lt(0), 0, upstream)],
});

export async function* custom({ N, D, H, rate, ...start }: Start, device: Device) {
  using x = tensor(start.x, { device, shape: [N, D] });
  using y = tensor(start.y, { device, shape: [N, D] });
  using w1 = tensor(start.w1, { device, shape: [D, H], requiresGrad: true });
  using w2 = tensor(start.w2, { device, shape: [H, D], requiresGrad: true });

  for (;;)
    yield await scope(() => {
      const loss = relu(x.matmul(w1)).matmul(w2).sub(y).square().mean();
      loss.backward();
      noGrad(() => {
        for (const w of [w1, w2]) {
          assign(w, w.sub(w.grad!.mul(rate)));
          w.zeroGrad();
        }
      });
      return loss.item();
    });
}

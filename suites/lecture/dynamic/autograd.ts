// Autograd: the weights say that they want gradients, and backward finds them along what was computed.

import { assign, noGrad, scope, tensor } from '../../../framework/index.ts';
import type { Device } from '../../../kernels/device.ts';
import type { Start } from '../start.ts';

export async function* autograd({ N, D, H, rate, ...start }: Start, device: Device) {
  using x = tensor(start.x, { device, shape: [N, D] });
  using y = tensor(start.y, { device, shape: [N, D] });
  using w1 = tensor(start.w1, { device, shape: [D, H], requiresGrad: true });
  using w2 = tensor(start.w2, { device, shape: [H, D], requiresGrad: true });

  for (;;)
    yield await scope(() => {
      const loss = x.matmul(w1).relu().matmul(w2).sub(y).square().mean();
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

// Tensors by hand: the arrays' program on a device. Each operation runs as it is written, and the gradients are still ours to find.

import { assign, scope, tensor, where } from '../../../framework/index.ts';
import type { Device } from '../../../kernels/device.ts';
import type { Start } from '../start.ts';

export async function* tensors({ N, D, H, rate, ...start }: Start, device: Device) {
  using x = tensor(start.x, { device, shape: [N, D] });
  using y = tensor(start.y, { device, shape: [N, D] });
  using w1 = tensor(start.w1, { device, shape: [D, H] });
  using w2 = tensor(start.w2, { device, shape: [H, D] });

  for (;;)
    yield await scope(() => {
      const hidden = x.matmul(w1);
      const active = hidden.relu();
      const difference = active.matmul(w2).sub(y);
      const loss = difference.square().mean();

      const upstream = difference.mul(2 / (N * D));
      const gradW2 = active.transpose().matmul(upstream);
      const back = where(hidden.gt(0), upstream.matmul(w2.transpose()), 0);
      const gradW1 = x.transpose().matmul(back);

      assign(w1, w1.sub(gradW1.mul(rate)));
      assign(w2, w2.sub(gradW2.mul(rate)));
      return loss.item();
    });
}

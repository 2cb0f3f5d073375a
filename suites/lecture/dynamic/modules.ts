// nn: a net of layers that hold their weights, and a loss by name.

import { assign, mseLoss, nn, noGrad, scope, tensor } from '../../../framework/index.ts';
import type { Device } from '../../../kernels/device.ts';
import { loadWeights, type Start } from '../start.ts';

const { Linear, Sequential, relu } = nn;

export async function* modules({ N, D, H, rate, ...start }: Start, device: Device) {
  using x = tensor(start.x, { device, shape: [N, D] });
  using y = tensor(start.y, { device, shape: [N, D] });
  using net = new Sequential(new Linear(D, H, { device, bias: false }), relu(), new Linear(H, D, { device, bias: false }));
  loadWeights(net, start);

  for (;;)
    yield await scope(() => {
      const loss = mseLoss(net.forward(x), y);
      loss.backward();
      noGrad(() => {
        for (const w of net.parameters()) {
          assign(w, w.sub(w.grad!.mul(rate)));
          w.zeroGrad();
        }
      });
      return loss.item();
    });
}

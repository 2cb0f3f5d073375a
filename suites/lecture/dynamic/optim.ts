// An optimizer: knows the parameters, and changes each in one kernel.

import { mseLoss, nn, optim, scope, tensor } from '../../../framework/index.ts';
import type { Device } from '../../../kernels/device.ts';
import { loadWeights, type Start } from '../start.ts';

const { Linear, Sequential, relu } = nn;

export async function* optimizer({ N, D, H, rate, ...start }: Start, device: Device) {
  using x = tensor(start.x, { device, shape: [N, D] });
  using y = tensor(start.y, { device, shape: [N, D] });
  using net = new Sequential(new Linear(D, H, { device, bias: false }), relu(), new Linear(H, D, { device, bias: false }));
  loadWeights(net, start);
  using sgd = new optim.Sgd(net.parameters(), { lr: rate });

  for (;;)
    yield await scope(() => {
      const loss = mseLoss(net.forward(x), y);
      sgd.zeroGrad();
      loss.backward();
      sgd.step();
      return loss.item();
    });
}

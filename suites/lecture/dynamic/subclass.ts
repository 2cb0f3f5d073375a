// A Module of one's own: layers as properties, and a forward in plain code.

import { mseLoss, nn, optim, scope, type Tensor, tensor } from '../../../framework/index.ts';
import type { Device } from '../../../kernels/device.ts';
import { loadWeights, type Start } from '../start.ts';

export class TwoLayerNet extends nn.Module {
  readonly linear1: nn.Linear;
  readonly linear2: nn.Linear;

  constructor(D: number, H: number, device: Device) {
    super();
    this.linear1 = new nn.Linear(D, H, { device, bias: false });
    this.linear2 = new nn.Linear(H, D, { device, bias: false });
  }

  forward(x: Tensor): Tensor {
    return this.linear2.forward(this.linear1.forward(x).relu());
  }
}

export async function* subclass({ N, D, H, rate, ...start }: Start, device: Device) {
  using x = tensor(start.x, { device, shape: [N, D] });
  using y = tensor(start.y, { device, shape: [N, D] });
  using net = new TwoLayerNet(D, H, device);
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

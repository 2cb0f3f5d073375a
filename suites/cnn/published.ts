// Published figures of the same nets: cnn-benchmarks by Justin Johnson (MIT licence), https://github.com/jcjohnson/cnn-benchmarks at commit 83d441f, 2016.
//
// Torch7, 16 images of 3x224x224, milliseconds; `backward` is without the forward that it needs. They were measured there, not here: a report shows them
// beside ours, as images per second, since batches differ.
//
//   xeon     two Intel Xeon E5-2630 v3 (16 cores, 32 threads), Torch's nn
//   titanx   NVIDIA Titan X (Pascal, 10.16 TFLOP/s), Torch's nn without cuDNN
//   cudnn    the same with cuDNN 5.1.05
//
// AlexNet has only the last: nn had no grouped convolutions.

export interface PublishedTime {
  readonly forward: number;
  readonly backward: number;
}

export type PublishedOn = 'xeon' | 'titanx' | 'cudnn';

/** Images of a call there. */
export const PUBLISHED_BATCH = 16;

const PUBLISHED: Readonly<Record<string, Partial<Record<PublishedOn, PublishedTime>>>> = {
  alexnet: { cudnn: { forward: 5.04, backward: 9.52 } },
  vgg16: {
    xeon: { forward: 3101.76, backward: 5393.72 },
    cudnn: { forward: 41.59, backward: 87.03 },
    titanx: { forward: 98.15, backward: 260.38 },
  },
  vgg19: {
    xeon: { forward: 3609.78, backward: 6239.45 },
    cudnn: { forward: 48.09, backward: 99.23 },
    titanx: { forward: 121.69, backward: 318.39 },
  },
  resnet18: {
    xeon: { forward: 847.46, backward: 1348.33 },
    cudnn: { forward: 10.14, backward: 21.4 },
    titanx: { forward: 34.76, backward: 61.64 },
  },
  resnet34: {
    xeon: { forward: 1530.01, backward: 2435.2 },
    cudnn: { forward: 17.01, backward: 34.58 },
    titanx: { forward: 66.56, backward: 106.42 },
  },
  resnet50: {
    xeon: { forward: 2477.61, backward: 4149.64 },
    cudnn: { forward: 35.03, backward: 68.54 },
    titanx: { forward: 87.62, backward: 158.96 },
  },
};

/** Columns of a net's rows: the published images per second of a forward, or of forward and backward together. */
export function publishedColumns(net: string, pass: 'forward' | 'backward'): Record<string, number> {
  const rate = ({ forward, backward }: PublishedTime) => (1000 * PUBLISHED_BATCH) / (pass === 'forward' ? forward : forward + backward);
  return Object.fromEntries(Object.entries(PUBLISHED[net] ?? {}).map(([on, time]) => [`published_${on}_per_s`, rate(time)]));
}

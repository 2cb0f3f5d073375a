// The feed suite: one training step in the lecture's order, from weights that are fed and fetched in every step to weights and data that stay on the device.
// From how many parameters on does feeding hurt, and how much of it is copying?
//
// GB/s are the bytes that cross over the time of the whole step. `copy_ms` is what the same crossings take by themselves, `copy_pct` its share of a step.

import { flopsOf, parametersOf, shapesOf, type Training } from '../framework/exact/training.ts';
import { sizeOf } from '../framework/shape.ts';
import { type Case, type FunctionArm, type Request, type Suite, UsageError } from '../harness/suite.ts';
import type { DeviceKind } from '../kernels/kernel.ts';
import { mustMove } from './feed/crossings.ts';
import { FORMS, type Form } from './feed/forms.ts';
import { NETS, type Net } from './feed/nets.ts';
import { verdict } from './feed/verdict.ts';
import { workOf } from './feed/work.ts';
import { countOf, listOf } from './options.ts';

const SWEEP = ['10k', '50k', '200k', '1M', '5M', '20M', '50M'];
const QUICK_SWEEP = ['10k', '200k'];
const BATCH = 64;
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, M: 1e6 };
const MOST_PARAMETERS = 1e8;

/** Copies of the parameters that a form may hold in all, on host and device, the float64 oracle's among them. */
const COPIES = 16;
/** What a software adapter computes a second, and the seconds of a step that it is spared unless the sizes were asked for. */
const SOFTWARE_FLOPS = 5e9;
const SOFTWARE_PATIENCE_S = 2;

function parametersIn(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(k|M)?$/.exec(text) ?? [];
  const wanted = Number(number) * UNITS[unit];
  if (!(wanted >= 100 && wanted <= MOST_PARAMETERS))
    throw new UsageError(`--parameters: '${text}' is no number of parameters; expected 100 to 100M, such as 10k, 1.5M or 50M`);
  return wanted;
}

/** What crosses in a step, either way. */
function bytesOf(form: Form, training: Training): number {
  const { toDevice, toHost } = mustMove(form, training);
  return toDevice + toHost;
}

function armsOf(net: Net, wanted: number, device: DeviceKind, request: Request): FunctionArm[] {
  const { seed, threads, options } = request;
  const training = NETS[net](countOf(request, 'batch') ?? BATCH, wanted);
  const count = device === 'cpu' ? Math.max(...threads) : undefined;
  const flops = flopsOf(training);
  const seconds = flops / SOFTWARE_FLOPS;
  const largest = 4 * Math.max(...Object.values(shapesOf(training)).map(sizeOf));
  return FORMS.map((form) => ({
    cost: { flops, executedFlops: flops, bytes: bytesOf(form, training) },
    name: `${form}@${device === 'cpu' ? `cpu/${count}` : device}`,
    device,
    threads: count,
    bytes: () => 4 * COPIES * wanted,
    refuses: ({ limits }) =>
      largest > limits.maxStorageBufferBindingSize
        ? `a tensor of ${largest} bytes is more than the ${limits.maxStorageBufferBindingSize} that the adapter binds (maxStorageBufferBindingSize)`
        : limits.softwareAdapter && seconds > SOFTWARE_PATIENCE_S && options.parameters === undefined
          ? `a step would take about ${Math.round(seconds)} s on a software adapter; ask for it by --parameters`
          : undefined,
    make: () => workOf(form, training, seed, device, count),
  }));
}

function cases(request: Request): Case[] {
  const { devices, quick, options, shapes } = request;
  if (shapes !== undefined)
    throw new UsageError('--shapes: feed has numbers of parameters: give them by --parameters, such as --parameters 10k,1M');
  const names = Object.keys(NETS) as Net[];
  const nets = listOf(request, 'net', names, quick ? ['two-layer'] : names);
  const sweep =
    typeof options.parameters === 'string' ? options.parameters.split(',').map((item) => item.trim()) : quick ? QUICK_SWEEP : SWEEP;
  return nets.flatMap((net) =>
    devices.flatMap((device) =>
      [...new Set(sweep)].map((text): Case => {
        const wanted = parametersIn(text);
        const training = NETS[net](countOf(request, 'batch') ?? BATCH, wanted);
        return {
          name: `feed/${net}/${text}/${device}`,
          arms: armsOf(net, wanted, device, request),
          dtype: 'f32',
          loops: [],
          extra: { parameters: parametersOf(training).reduce((sum, { shape }) => sum + sizeOf(shape), 0) },
        };
      }),
    ),
  );
}

const suite: Suite = {
  name: 'feed',
  question: 'From how many parameters on does it hurt to feed and fetch weights in every step, and how much of a step is copying?',
  options: [
    { flags: '--net <list>', description: Object.keys(NETS).join(', ') },
    { flags: '--parameters <list>', description: 'how many, from 100 to 100M: 10k,1M,50M' },
    { flags: '--batch <count>', description: 'examples of a step' },
  ],
  cases,
  verdict,
};

export default suite;

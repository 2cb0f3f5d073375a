// What a net will hold, found before anything runs by making it on a device that only counts.

import { graph, zoo } from '../../framework/index.ts';
import { UsageError } from '../../harness/suite.ts';
import { CountingDevice, MAX_OPERAND_BYTES } from '../../kernels/index.ts';
import type { DeviceKind, Traits } from '../../kernels/kernel.ts';
import type { Pass } from './work.ts';

/** Bytes of the device at the peak of a first call. */
export async function peakOf(model: zoo.Model, pass: Pass, kind: DeviceKind, traits: Traits, kernels?: readonly string[]): Promise<number> {
  const device = new CountingDevice(kind, traits);
  const made = await zoo.graphOf(model, device, pass === 'backward');
  await using session = new graph.Session({ device, kernels });
  const zeros = new Float32Array(made.input.shape.reduce((product, size) => product * size, 1));
  await zoo.resultOf(session, { ...made, feeds: () => [[made.input, zeros]] });
  return device.memory().peakBytes;
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

/** The same, for the CPU. Throws a UsageError where it is more than a WebAssembly memory can be, with the largest batch that is not. */
export async function fittingPeak(name: string, model: zoo.Model, pass: Pass, kind: DeviceKind, traits: Traits): Promise<number> {
  const bytes = await peakOf(model, pass, kind, traits).catch((error: Error) => {
    if (error instanceof RangeError) throw new UsageError(`--batch ${model.batch}: ${name}: ${error.message}`);
    throw error;
  });
  if (kind !== 'cpu' || bytes <= MAX_OPERAND_BYTES) return bytes;
  const one = await peakOf({ ...model, batch: 1 }, pass, kind, traits);
  const each = (bytes - one) / (model.batch - 1);
  const most = Math.floor((MAX_OPERAND_BYTES - one) / each) + 1;
  const remedy = most >= 1 ? `${most} images fit` : 'no batch fits';
  throw new UsageError(
    `--batch ${model.batch}: ${name} would hold ${gibibytes(bytes)}, more than the ${gibibytes(MAX_OPERAND_BYTES)} of a WebAssembly memory; ${remedy}`,
  );
}

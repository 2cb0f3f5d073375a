// Between a module's state and the arrays of a file: `writeSafetensors(await arraysOf(net.stateDict()))`, and back by
// `net.loadStateDict(tensorsOf(readSafetensors(bytes).arrays))`.

import { tensor } from '../create.ts';
import type { Place } from '../devices.ts';
import type { StateDict } from '../nn/index.ts';
import { checkShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { HostArray } from './array.ts';

/** Copies tensors to the host; the names stay in their order. */
export async function arraysOf(state: StateDict): Promise<ReadonlyMap<string, HostArray>> {
  const read = async (tensor: Tensor): Promise<HostArray> => ({ shape: tensor.shape, dtype: tensor.dtype, values: await tensor.read() });
  return new Map(await Promise.all(Object.entries(state).map(async ([name, tensor]) => [name, await read(tensor)] as const)));
}

/** New tensors on a device, the caller's to dispose. Throws a RangeError, before it makes any, where an array has no elements, which no tensor can be. */
export function tensorsOf(arrays: ReadonlyMap<string, HostArray>, device?: Place): StateDict {
  for (const [name, { shape }] of arrays) checkShape(`tensor '${name}'`, shape);
  return Object.fromEntries([...arrays].map(([name, { values, shape, dtype }]) => [name, tensor(values, { shape, dtype, device })]));
}

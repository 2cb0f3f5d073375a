// The eager style: an op runs when it is applied. It is looked up among the prepared ones, its output allocated, its kernels dispatched, its node recorded.

import type { Buffer, Device } from '../kernels/index.ts';
import { DeviceError } from '../kernels/index.ts';
import { denseBytes, launchesOf } from './launches.ts';
import { type Layout, layoutOf, type Spec, specText } from './layout.ts';
import type { Attributes, Op, Operand, Style, UpdateOp } from './op.ts';
import { own } from './scope.ts';
import { Storage } from './storage.ts';
import { isRecording, Node } from './tape.ts';
import { Tensor } from './tensor.ts';

/** The device that all tensors of a call live on. Throws a DeviceError where they live on several, a ReferenceError where one was disposed. */
function commonDevice(op: Pick<Op, 'name'>, operands: readonly Operand<Tensor>[]): Device {
  let device: Device | undefined;
  for (const operand of operands) {
    if (typeof operand === 'number') continue;
    if (operand.isDisposed)
      throw new ReferenceError(
        `${op.name}: operand ${operands.indexOf(operand)}, ${specText(operand)}, was disposed, or its scope has ended; return it from the scope, or dispose it later`,
      );
    device ??= operand.device;
    if (operand.device !== device)
      throw new DeviceError(
        `${op.name}: operands live on ${device.kind} and ${operand.device.kind}, expected one device; move one with await x.to('${device.kind}')`,
      );
  }
  return device!;
}

const isFloat = ({ dtype }: Spec): boolean => dtype === 'f32' || dtype === 'f16';

/** A new tensor whose bytes `fill` sets. */
function create(spec: Spec, device: Device, fill: (buffer: Buffer) => void): Tensor {
  const buffer = device.alloc(denseBytes(spec));
  try {
    fill(buffer);
  } catch (error) {
    device.free(buffer);
    throw error;
  }
  const made = new Tensor(layoutOf(spec), new Storage(device, buffer));
  own(made);
  return made;
}

/** Runs an op on tensors of one device, or on a device that is named where it takes none. */
function run(op: Op, operands: readonly Operand<Tensor>[], attributes: Attributes, device = commonDevice(op, operands)): Tensor {
  const layouts = operands.map((operand) => (typeof operand === 'number' ? operand : operand.layout));
  const prepared = launchesOf(device).get(op, layouts, attributes);
  if (prepared.isView) {
    const view = new Tensor(prepared.output, (operands[0] as Tensor).storage.retain());
    own(view);
    return view;
  }
  return create(prepared.output, device, (output) => {
    const buffers = operands.map((operand) => (typeof operand === 'number' ? output : operand.storage.buffer));
    buffers.push(output);
    prepared.run(buffers);
  });
}

/** Gives an output the node that backward finds it by, where a gradient flows to one of its operands. */
export function record(
  op: ConstructorParameters<typeof Node>[0],
  operands: readonly Operand<Tensor>[],
  attributes: Attributes,
  output: Tensor,
): void {
  if (!isRecording() || !isFloat(output)) return;
  for (const operand of operands)
    if (typeof operand !== 'number' && operand.node) {
      output.node = new Node(op, operands, attributes, output);
      return;
    }
}

/** Changes a tensor in place by an update. */
function change({ inPlace }: UpdateOp, target: Tensor, others: readonly Tensor[]): void {
  if (!target.layout.dense) throw new TypeError(`${inPlace.name}: ${specText(target)} is a view; update the tensor that it is a view of`);
  const operands = [target, ...others];
  const device = commonDevice(inPlace, operands);
  const { storage } = target;
  const [layouts, buffers]: [Layout[], Buffer[]] = [[], []];
  for (const operand of operands) {
    if (operand !== target && operand.storage === storage)
      throw new TypeError(`${inPlace.name}: an operand shares the bytes of the tensor that is changed; give it a copy, by clone()`);
    layouts.push(operand.layout);
    buffers.push(operand.storage.buffer);
  }
  launchesOf(device).get(inPlace, layouts, NONE).run(buffers);
  storage.version++;
  for (const watcher of watchers) watcher(inPlace, operands, target);
}

const NONE: Attributes = {};

type Watcher = (op: Op, operands: readonly Operand<Tensor>[], output: Tensor) => void;
const watchers = new Set<Watcher>();

/** Calls `watcher` after every update, and every op whose output lies dense (other views compute nothing), until the function returned is called. */
export function watchOps(watcher: Watcher): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** How tensors answer ops. */
export const eager: Style & { create: typeof create; run: typeof run } = {
  create,
  run,
  update: (op, target, others) => change(op, target as Tensor, others as readonly Tensor[]),
  apply(op, operands, attributes) {
    const tensors = operands as readonly Operand<Tensor>[];
    const output = run(op, tensors, attributes);
    record(op, tensors, attributes, output);
    if (output.layout.dense) for (const watcher of watchers) watcher(op, tensors, output);
    return output;
  },
};

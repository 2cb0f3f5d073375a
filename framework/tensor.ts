// A tensor is elements on one device, with a shape and a dtype: a layout over a storage that it shares with its views.
//
// Ops never consume their inputs. A tensor lives until `dispose`, the end of its `using` block, or of the scope it was made in; host and device meet in
// `tensor(..)`, `read` and `item` only.

import { bytesPerElement, type Device, type DType, type Values, valuesIn } from '../kernels/index.ts';
import { backward } from './autograd.ts';
import { open, type Place } from './devices.ts';
import { eager } from './eager.ts';
import { type Layout, specText } from './layout.ts';
import type { Style, Value } from './op.ts';
import { Operators } from './operators.ts';
import { contiguous } from './ops/shape.ts';
import { disown, own } from './scope.ts';
import { type Shape, sizeOf } from './shape.ts';
import type { Storage } from './storage.ts';
import { Node, noGrad } from './tape.ts';

export class Tensor extends Operators implements Value {
  readonly layout: Layout;
  /** How the tape knows this tensor; undefined where no gradient flows. For the framework's own use. */
  node: Node | undefined;
  #storage: Storage | undefined;

  /** For the framework's own use: takes over one use of a storage. `tensor(..)` makes tensors. */
  constructor(layout: Layout, storage: Storage | undefined, node?: Node) {
    super();
    this.layout = layout;
    this.#storage = storage;
    this.node = node;
  }

  get style(): Style {
    return eager;
  }
  get shape(): Shape {
    return this.layout.shape;
  }
  get dtype(): DType {
    return this.layout.dtype;
  }
  get rank(): number {
    return this.layout.shape.length;
  }
  /** Number of elements. */
  get size(): number {
    return sizeOf(this.layout.shape);
  }
  get device(): Device {
    return this.storage.device;
  }
  get isDisposed(): boolean {
    return this.#storage === undefined;
  }
  /** The bytes and their device. Throws where the tensor was disposed. */
  get storage(): Storage {
    if (!this.#storage)
      throw new ReferenceError(
        `tensor ${specText(this)} was disposed, or its scope has ended; return it from the scope, or dispose it later`,
      );
    return this.#storage;
  }

  /** Whether a gradient flows to this tensor. */
  get requiresGrad(): boolean {
    return this.node !== undefined;
  }
  /** The gradient that `backward` has accumulated, owned by this tensor; undefined before, after `zeroGrad`, and where none is kept. */
  get grad(): Tensor | undefined {
    return this.node?.gradient;
  }
  /** Forgets the accumulated gradient. */
  zeroGrad(): void {
    this.grad?.dispose();
    if (this.node) this.node.gradient = undefined;
  }
  /** Accumulates into `grad` of every leaf what this tensor's elements change with it; a tensor of several elements needs `upstream`. */
  backward(upstream?: Tensor, options?: { readonly retainGraph?: boolean }): void {
    backward(this, upstream, options);
  }
  /** The same elements without their history. */
  detach(): Tensor {
    const detached = new Tensor(this.layout, this.storage.retain());
    own(detached);
    return detached;
  }

  /** The elements in row-major order, copied to the host. Rejects with the error of whatever op failed before. */
  async read(): Promise<Values> {
    const dense = this.layout.dense ? this : noGrad(() => contiguous<Tensor>(this));
    const bytes = this.size * bytesPerElement(this.dtype);
    const { device, buffer } = dense.storage;
    const reading = device.read(buffer, 0, bytes);
    // The read has its place in the order of the device: what follows cannot change what it sees.
    if (dense !== this) dense.dispose();
    return valuesIn({ elements: this.size, dtype: this.dtype }, await reading);
  }
  /** The one element. Throws a RangeError where there are several. */
  async item(): Promise<number> {
    if (this.size !== 1) throw new RangeError(`item: ${specText(this)} has ${this.size} elements, expected one; use read()`);
    return (await this.read())[0];
  }
  /** This tensor on another device, which is opened where it is not: itself where it is there already, else a copy that starts a history of its own. */
  async to(place: Place): Promise<Tensor> {
    const device = typeof place === 'string' ? await open(place) : place;
    if (this.device === device) return this;
    if (this.node?.op)
      throw new TypeError(`to: backward cannot pass from ${device.kind} to ${this.device.kind}; move the inputs first, or detach()`);
    const values = await this.read();
    const moved = Tensor.of(values, this, device);
    if (this.requiresGrad) moved.node = new Node();
    return moved;
  }
  /** A new tensor of values in row-major order; bytes beyond whole words are zero. For the framework's own use. */
  static of(values: Values, { shape, dtype }: Pick<Layout, 'shape' | 'dtype'>, device: Device): Tensor {
    return eager.create({ shape, dtype }, device, (buffer) => device.write(buffer, values));
  }

  /** Another tensor over the same bytes, outside every scope; without the bytes where `keep` is false. For the framework's own use. */
  handle(keep = true): Tensor {
    this.node?.retain();
    return new Tensor(this.layout, keep ? this.storage.retain() : undefined, this.node);
  }
  /** Lets go of the bytes; they are freed when no view and no later backward needs them. A second call does nothing. */
  dispose(): void {
    disown(this);
    this.#storage?.release();
    this.#storage = undefined;
    this.node?.release();
    this.node = undefined;
  }
  [Symbol.dispose](): void {
    this.dispose();
  }
}

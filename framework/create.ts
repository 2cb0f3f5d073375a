// Making tensors: from numbers of the host, or filled on the device.

import { type DType, type Values, valuesOf } from '../kernels/index.ts';
import { deviceAt, type Place } from './devices.ts';
import { eager } from './eager.ts';
import { checkDtype, type Spec } from './layout.ts';
import { type RandomSource, randomOp } from './ops/random.ts';
import { checkShape, type Shape, sizeOf } from './shape.ts';
import { Node } from './tape.ts';
import { Tensor } from './tensor.ts';

/** Numbers, or equally long lists of them in any depth, or a typed array with its `shape`. */
export type TensorData = number | boolean | Values | Float64Array | readonly TensorData[];

export interface TensorOptions {
  /** An open device or its kind; the first that was opened if absent. */
  readonly device?: Place;
  /** That of a typed array, bool of booleans, else f32, if absent. */
  readonly dtype?: DType;
  readonly requiresGrad?: boolean;
}

/** Puts a new tensor on the tape where it was asked for. */
function withGrad(made: Tensor, requiresGrad: boolean): Tensor {
  if (!requiresGrad) return made;
  if (made.dtype !== 'f32' && made.dtype !== 'f16')
    throw new TypeError(`tensor: requiresGrad needs f32 or f16, got ${made.dtype}; only real numbers have gradients`);
  made.node = new Node();
  return made;
}

/** The shape of nested lists. Throws a RangeError where lists of one depth differ in length. */
function shapeOf(who: string, data: TensorData): Shape {
  if (typeof data === 'number' || typeof data === 'boolean') return [];
  if (ArrayBuffer.isView(data)) return [data.length];
  if (!Array.isArray(data))
    throw new TypeError(`${who}: cannot take ${data === null ? 'null' : typeof data}, expected numbers, lists of them, or a typed array`);
  const shapes = (data as readonly TensorData[]).map((each) => shapeOf(who, each));
  const odd = shapes.findIndex((shape) => `${shape}` !== `${shapes[0]}`);
  if (odd > 0)
    throw new RangeError(`${who}: list 0 has the shape [${shapes[0]}] but list ${odd} has [${shapes[odd]}]; expected equal lengths`);
  return [data.length, ...(shapes[0] ?? [])];
}

const flat = (data: TensorData): ArrayLike<number> =>
  ArrayBuffer.isView(data) ? data : Array.isArray(data) ? (data.flat(Number.POSITIVE_INFINITY) as number[]).map(Number) : [Number(data)];

function dtypeOf(data: TensorData): DType {
  if (ArrayBuffer.isView(data))
    return data instanceof Int32Array ? 'i32' : data instanceof Uint8Array ? 'u8' : data instanceof Float16Array ? 'f16' : 'f32';
  return Array.isArray(data) ? dtypeOf((data as readonly TensorData[])[0]) : typeof data === 'boolean' ? 'bool' : 'f32';
}

/** What `data` holds, as the elements of a shape and dtype: its own where none are asked for. Throws where lists are ragged or the sizes do not fit. */
export function elementsOf(who: string, data: TensorData, { shape, dtype }: Partial<Spec> = {}): Spec & { readonly values: Values } {
  const given = shapeOf(who, data);
  const wanted = { shape: shape ?? given, dtype: dtype ?? dtypeOf(data) };
  checkShape(who, wanted.shape);
  checkDtype(who, wanted.dtype);
  if (sizeOf(wanted.shape) !== sizeOf(given))
    throw new RangeError(`${who}: ${sizeOf(given)} elements do not fill the shape [${wanted.shape}], which has ${sizeOf(wanted.shape)}`);
  const isBool = wanted.dtype === 'bool';
  const values = isBool ? Uint8Array.from(flat(data), Number).map((value) => (value ? 1 : 0)) : valuesOf(wanted.dtype, flat(data));
  return { ...wanted, values };
}

/** A tensor of numbers: `tensor([[1, 2], [3, 4]])`, or of a typed array with `shape`. Throws where lists are ragged or the sizes do not fit. */
export function tensor(data: TensorData, options: TensorOptions & { readonly shape?: Shape } = {}): Tensor {
  const { values, ...spec } = elementsOf('tensor', data, options);
  return withGrad(Tensor.of(values, spec, deviceAt(options.device)), options.requiresGrad ?? false);
}

/** The 32-bit word that fills a buffer with `value`. */
function wordOf(dtype: DType, value: number): number {
  const repeated = valuesOf(dtype, Array(4).fill(dtype === 'bool' ? Number(value !== 0) : value));
  return new Uint32Array(repeated.buffer)[0];
}

/** A tensor with the same value everywhere; nothing crosses from the host. */
export function full(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  const { dtype = 'f32', requiresGrad = false } = options;
  checkShape('full', shape);
  checkDtype('full', dtype);
  const device = deviceAt(options.device);
  return withGrad(
    eager.create({ shape, dtype }, device, (buffer) => device.fill(buffer, wordOf(dtype, value))),
    requiresGrad,
  );
}

export const zeros = (shape: Shape, options?: TensorOptions): Tensor => full(shape, 0, options);
export const ones = (shape: Shape, options?: TensorOptions): Tensor => full(shape, 1, options);

/** Random numbers made on the device: the same ones for the same source on every device. */
function random(
  distribution: 'bits' | 'uniform' | 'normal',
  shape: Shape,
  { seed, stream = 0, step = 0, ...options }: RandomSource & TensorOptions,
): Tensor {
  if (options.dtype !== undefined && options.dtype !== 'f32')
    throw new TypeError(`${distribution}: dtype is ${options.dtype}, expected f32; cast it`);
  const made = eager.run(randomOp, [], { distribution, shape, seed, stream, step }, deviceAt(options.device));
  return withGrad(made, options.requiresGrad ?? false);
}

/** 32 random bits each, as i32. */
export const randomBits = (shape: Shape, options: RandomSource & Pick<TensorOptions, 'device'>): Tensor => random('bits', shape, options);
/** Uniform in [0, 1). */
export const uniform = (shape: Shape, options: RandomSource & TensorOptions): Tensor => random('uniform', shape, options);
/** Normal with mean 0 and deviation 1. */
export const normal = (shape: Shape, options: RandomSource & TensorOptions): Tensor => random('normal', shape, options);

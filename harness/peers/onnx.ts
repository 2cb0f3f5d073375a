// Models in the Open Neural Network Exchange format: what onnxruntime is fed.
//
// ONNX files are protocol buffers. A message is a run of fields, each a tag (number · 8 + wire type) and a value: a varint (0), 32 bits (5), or
// bytes with their length (2). The field numbers are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).

/** Version of the format, and of the operators used. */
const IR_VERSION = 8;
const OPSET = 13;

/** Enumeration TensorProto.DataType. */
const FLOAT = 1;
const INT64 = 7;

/** A dense f32 tensor of fixed shape. */
export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A tensor whose values are part of the model: onnxruntime packs them when it loads it. */
export interface OnnxConstant extends OnnxTensor {
  /** Whole numbers of 64 bits are shapes. */
  readonly values: Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;
}

/** An attribute: a whole number, a list of them, a string, or a float, which only its type tells from a whole number. */
export type OnnxAttribute = number | readonly number[] | string | { readonly float: number };

export interface OnnxNode {
  readonly op: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** A graph with one output. */
export interface OnnxGraph {
  readonly inputs: readonly OnnxTensor[];
  readonly constants?: readonly OnnxConstant[];
  readonly nodes: readonly OnnxNode[];
  readonly output: OnnxTensor;
}

/** Pieces of bytes, joined once at the end: weights are large. */
type Field = readonly Uint8Array[];

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}

const integer = (field: number, value: number): Field => [Uint8Array.of(...varint(field * 8), ...varint(value))];
const float32 = (field: number, value: number): Field => [
  Uint8Array.of(...varint(field * 8 + 5), ...new Uint8Array(Float32Array.of(value).buffer)),
];
function bytes(field: number, pieces: Field): Field {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return [Uint8Array.of(...varint(field * 8 + 2), ...varint(length)), ...pieces];
}
const text = (field: number, value: string): Field => bytes(field, [new TextEncoder().encode(value)]);
const message = (field: number, ...fields: readonly Field[]): Field => bytes(field, fields.flat());

/** Enumeration AttributeProto.AttributeType. */
const TYPE = { float: 1, int: 2, string: 3, ints: 7 };

function attribute([name, value]: [string, OnnxAttribute]): Field {
  const head = text(1, name);
  if (typeof value === 'number') return message(5, head, integer(3, value), integer(20, TYPE.int));
  if (typeof value === 'string') return message(5, head, text(4, value), integer(20, TYPE.string));
  if ('float' in value) return message(5, head, float32(2, value.float), integer(20, TYPE.float));
  return message(5, head, ...value.map((each) => integer(8, each)), integer(20, TYPE.ints));
}

const node = ({ op, domain, inputs, output, attributes = {} }: OnnxNode): Field =>
  message(
    1,
    ...inputs.map((name) => text(1, name)),
    text(2, output),
    text(4, op),
    ...Object.entries(attributes).map(attribute),
    ...(domain ? [text(7, domain)] : []),
  );

/** ValueInfoProto. */
const tensor = (field: number, { name, shape }: OnnxTensor): Field =>
  message(
    field,
    text(1, name),
    message(2, message(1, integer(1, FLOAT), message(2, ...shape.map((size) => message(1, integer(1, size)))))),
  );

/** TensorProto with its values as raw bytes, little-endian. */
const constant = ({ name, shape, values }: OnnxConstant): Field =>
  message(
    5,
    ...shape.map((size) => integer(1, size)),
    integer(2, values instanceof Float32Array ? FLOAT : INT64),
    text(8, name),
    bytes(9, [new Uint8Array(values.buffer, values.byteOffset, values.byteLength)]),
  );

/** The model's bytes. */
export function onnxModel({ inputs, constants = [], nodes, output }: OnnxGraph): Uint8Array<ArrayBuffer> {
  const graph = message(
    7,
    ...nodes.map(node),
    text(2, 'graph'),
    ...constants.map(constant),
    ...inputs.map((each) => tensor(11, each)),
    tensor(12, output),
  );
  const opset = (domain: string, version: number) => message(8, text(1, domain), integer(2, version));
  const pieces = [integer(1, IR_VERSION), graph, opset('', OPSET), opset('com.microsoft', 1)].flat();
  const model = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    model.set(piece, at);
    at += piece.length;
  }
  return model;
}

// Messages of protocol buffers, as far as they are written: fields one after another, each a key (8 · number + wire type) and its value.
// Format: https://protobuf.dev/programming-guides/encoding/

const utf8 = new TextEncoder();

/** Wire types. */
const [VARINT, FIXED64, LENGTH, FIXED32] = [0, 1, 2, 5];

/** A message under construction; fields are written in the order of the calls. */
export class Message {
  #chunks: Uint8Array[] = [];

  /** int32, int64, enum or bool; below 0 as two's complement of 64 bits. */
  integer(field: number, value: number | boolean): this {
    return this.#varint(8 * field + VARINT).#varint(Number(value));
  }

  double(field: number, value: number): this {
    return this.#varint(8 * field + FIXED64).#push(new Uint8Array(Float64Array.of(value).buffer));
  }

  /** Rounded to f32. */
  float(field: number, value: number): this {
    return this.#varint(8 * field + FIXED32).#push(new Uint8Array(Float32Array.of(value).buffer));
  }

  /** bytes, string, or a message inside of this one. */
  nested(field: number, value: Uint8Array | string | Message): this {
    const bytes = value instanceof Message ? value.finish() : typeof value === 'string' ? utf8.encode(value) : value;
    return this.#varint(8 * field + LENGTH)
      .#varint(bytes.length)
      .#push(bytes);
  }

  /** repeated double, packed. */
  doubles(field: number, values: readonly number[]): this {
    return this.nested(field, new Uint8Array(Float64Array.from(values).buffer));
  }

  /** The bytes of all fields so far. */
  finish(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#chunks.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }

  #push(bytes: Uint8Array): this {
    this.#chunks.push(bytes);
    return this;
  }

  /** Seven bits a byte, the lowest first; the highest bit says that more follow. */
  #varint(value: number): this {
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    return this.#push(Uint8Array.of(...bytes, Number(rest)));
  }
}

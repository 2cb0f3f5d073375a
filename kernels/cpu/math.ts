// Math is what WebAssembly has no instruction for: exp, log, tanh, erf and pow of four f32 lanes, written as instructions.
//
// Arguments are reduced as Cody and Waite do (Software Manual for the Elementary Functions, 1980); polynomials are those of Cephes (S. Moshier) for
// exp, log and tanh, and N. Juffa's for erf. Largest errors seen over dense samples: exp, log and pow 1 ulp, tanh and erf 1.2. Zeros, infinities, NaN and
// denormals give what C's functions give. No fused operation is used, so that every engine gives the same bits.

import { f32x4, f64x2, i8x16, i32x4, i64x2, type Local, routine, set, type Value, v128 } from './assembly.ts';

export type Vector = Local<'v128'>;

/** Registers that the functions below may overwrite besides their result; operands must not be among them. */
export const SCRATCH = 11;

/** V8 builds a vector constant anew wherever it stands, in up to four instructions. So those of a loop are set once before it: see `hoisted`. */
interface Constants {
  /** By shape and value. */
  readonly registers: ReadonlyMap<string, Vector>;
  /** What was asked for, as it is made. */
  readonly asked: Map<string, () => Value<'v128'>>;
}
let constants: Constants = { registers: new Map(), asked: new Map() };

function constant(key: string, make: () => Value<'v128'>): Value<'v128'> {
  constants.asked.set(key, make);
  return constants.registers.get(key) ?? make();
}

const four = <T>(value: T): [T, T, T, T] => [value, value, value, value];
export const floats = (value: number): Value<'v128'> =>
  constant(`f32 ${Object.is(value, -0) ? '-0' : value}`, () => v128.const('f32x4', four(value)));
/** Four times the bits of a whole number. Byte by byte, since wasmati takes no i32 with its highest bit set. */
export const integers = (value: number): Value<'v128'> =>
  constant(`i32 ${value | 0}`, () => {
    const [a, b, c, d] = [0, 8, 16, 24].map((shift) => (value >> shift) & 255);
    return v128.const('i8x16', [a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d]);
  });
const SIGN = 0x80000000;
const doubles = (value: number): Value<'v128'> => constant(`f64 ${value}`, () => v128.const('f64x2', [value, value]));
const longs = (value: bigint): Value<'v128'> => constant(`i64 ${value}`, () => v128.const('i64x2', [value, value]));

/** The constants that `emit` asks for: it is run once, and what it writes is thrown away. `registers` are for it to use. */
export function constantsOf(registers: number, emit: (registers: readonly Vector[]) => void): ReadonlyMap<string, () => Value<'v128'>> {
  const asked = new Map<string, () => Value<'v128'>>();
  const before = constants;
  constants = { registers: new Map(), asked };
  routine({}, { register: [v128, registers] as const }, ({ register }) => emit(register));
  constants = before;
  return asked;
}

/** Runs `emit` with constants taken from registers that it sets first to what `constantsOf` found. */
export function hoisted(found: ReadonlyMap<string, () => Value<'v128'>>, registers: readonly Vector[], emit: () => void): void {
  const byKey = new Map<string, Vector>();
  for (const [key, make] of found) {
    const register = registers[byKey.size];
    set(register, make());
    byKey.set(key, register);
  }
  const before = constants;
  constants = { registers: byKey, asked: new Map() };
  emit();
  constants = before;
}

/** into = c[0] x^n + c[1] x^(n-1) + .. + c[n]. */
export function polynomial(into: Vector, x: Vector, [first, ...rest]: readonly number[]): void {
  set(into, floats(first));
  for (const coefficient of rest) set(into, f32x4.add(f32x4.mul(into, x), floats(coefficient)));
}

/** Where `mask` is set, `value`. */
const override = (into: Vector, value: Value<'v128'>, mask: Value<'v128'>): void => set(into, v128.bitselect(value, into, mask));

/** ln 2 in two parts: the first has few bits, so that its product with a small whole number is exact. */
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.1219444e-4;
/** 1.5 · 2^23, and its bits. */
const ROUNDING = 12582912;
const ROUNDING_BITS = 0x4b400000;
const EXP = [1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1];

/** into = e^x, as 2^n · e^r with |r| <= ln(2) / 2. */
export function exp(into: Vector, x: Vector, [n, r, half]: readonly Vector[]): void {
  // Beyond these limits the result is infinite, or rounds to zero.
  set(r, f32x4.pmax(f32x4.pmin(x, floats(89)), floats(-104)));
  // Adding the magic number rounds; its low bits are then n as an integer.
  set(half, f32x4.add(f32x4.mul(r, floats(Math.LOG2E)), floats(ROUNDING)));
  set(n, f32x4.sub(half, floats(ROUNDING)));
  set(r, f32x4.sub(r, f32x4.mul(n, floats(LN2_HIGH))));
  set(r, f32x4.sub(r, f32x4.mul(n, floats(LN2_LOW))));
  polynomial(into, r, EXP);
  set(into, f32x4.add(f32x4.mul(f32x4.mul(into, r), r), r));
  set(into, f32x4.add(into, floats(1)));
  // 2^n in two factors: 2^n itself may not be a normal number where the result is one.
  set(n, i32x4.sub(half, integers(ROUNDING_BITS)));
  set(half, i32x4.shr_s(n, 1));
  set(n, i32x4.sub(n, half));
  for (const part of [half, n]) set(into, f32x4.mul(into, i32x4.shl(i32x4.add(part, integers(127)), 23)));
}

const SQRT_HALF = 0x3f3504f3;
const LOG = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1,
  3.3333331174e-1,
];

/** into = ln x, as e · ln 2 + ln(1 + f) with 1 + f between √½ and √2. */
export function log(into: Vector, x: Vector, [tiny, e, f, z]: readonly Vector[]): void {
  set(tiny, f32x4.lt(x, floats(2 ** -126)));
  set(e, i32x4.sub(v128.bitselect(f32x4.mul(x, floats(2 ** 23)), x, tiny), integers(SQRT_HALF)));
  set(f, f32x4.sub(i32x4.add(v128.and(e, integers(0x7fffff)), integers(SQRT_HALF)), floats(1)));
  set(e, f32x4.sub(f32x4.convert_i32x4_s(i32x4.shr_s(e, 23)), v128.and(tiny, floats(23))));
  set(z, f32x4.mul(f, f));
  polynomial(into, f, LOG);
  set(into, f32x4.mul(f32x4.mul(into, f), z));
  set(into, f32x4.add(into, f32x4.mul(e, floats(LN2_LOW))));
  set(into, f32x4.sub(into, f32x4.mul(z, floats(0.5))));
  set(into, f32x4.add(f32x4.add(f, into), f32x4.mul(e, floats(LN2_HIGH))));
  set(into, v128.bitselect(into, x, f32x4.lt(x, floats(Infinity))));
  override(into, floats(-Infinity), f32x4.eq(x, floats(0)));
  override(into, floats(Number.NaN), f32x4.lt(x, floats(0)));
}

const TANH = [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1];

/** into = tanh x: a polynomial below 0.625, else 1 - 2 / (e^2|x| + 1) with the sign of x. */
export function tanh(into: Vector, x: Vector, [a, z, large, ...scratch]: readonly Vector[]): void {
  set(a, f32x4.abs(x));
  set(z, f32x4.add(a, a));
  exp(large, z, scratch);
  set(large, f32x4.sub(floats(1), f32x4.div(floats(2), f32x4.add(large, floats(1)))));
  set(z, f32x4.mul(x, x));
  polynomial(into, z, TANH);
  set(into, f32x4.add(f32x4.mul(f32x4.mul(into, z), a), a));
  override(into, large, f32x4.ge(a, floats(0.625)));
  set(into, v128.or(into, v128.and(x, integers(SIGN))));
}

const ERF_SMALL = [-5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1];
const ERF_LARGE = [-1.7285347e-5, 3.83197126e-4, -3.88396438e-3, 2.42546219e-2, -1.06777877e-1, -6.34846687e-1, -1.28717512e-1];

/** into = erf x: x + x · p(x²) below 0.93, else 1 - e^q(|x|) with the sign of x. */
export function erf(into: Vector, x: Vector, [a, z, large, ...scratch]: readonly Vector[]): void {
  set(a, f32x4.abs(x));
  // Above 4 the result rounds to 1; the polynomial would overflow.
  set(z, f32x4.pmin(a, floats(4)));
  polynomial(into, z, ERF_LARGE);
  set(into, f32x4.sub(f32x4.mul(into, z), z));
  exp(large, into, scratch);
  set(large, f32x4.sub(floats(1), large));
  set(z, f32x4.mul(x, x));
  polynomial(into, z, ERF_SMALL);
  set(into, f32x4.add(f32x4.mul(into, a), a));
  override(into, large, f32x4.gt(a, floats(0.927734375)));
  set(into, v128.or(into, v128.and(x, integers(SIGN))));
}

const LOW_PAIRS = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23] as const;
const HIGH_PAIR = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15] as const;

/** into = x^y, as 2^(y · log2 |x|) in f64, two lanes at a time; what C's pow says of signs and special values. */
export function pow(into: Vector, x: Vector, y: Vector, [base, high, mask, whole, ...scratch]: readonly Vector[]): void {
  set(base, f32x4.abs(x));
  powerOfPair(into, base, y, scratch);
  set(base, i8x16.shuffle([...HIGH_PAIR], base, base));
  set(mask, i8x16.shuffle([...HIGH_PAIR], y, y));
  powerOfPair(high, base, mask, scratch);
  set(into, i8x16.shuffle([...LOW_PAIRS], into, high));

  // A negative base takes whole exponents only, and odd ones keep its sign.
  set(whole, f32x4.eq(f32x4.floor(y), y));
  set(base, f32x4.mul(y, floats(0.5)));
  set(mask, v128.andnot(whole, f32x4.eq(f32x4.floor(base), base)));
  set(into, v128.or(into, v128.and(v128.and(x, mask), integers(SIGN))));
  set(mask, v128.and(f32x4.lt(x, floats(0)), f32x4.gt(x, floats(-Infinity))));
  override(into, floats(Number.NaN), v128.andnot(mask, whole));
  override(into, floats(Number.NaN), v128.or(f32x4.ne(x, x), f32x4.ne(y, y)));
  set(mask, v128.and(f32x4.eq(f32x4.abs(x), floats(1)), f32x4.eq(f32x4.abs(y), floats(Infinity))));
  set(mask, v128.or(mask, v128.or(f32x4.eq(x, floats(1)), f32x4.eq(y, floats(0)))));
  override(into, floats(1), mask);
}

const SQRT_HALF_64 = 0x3fe6a09e667f3bcdn;
/** 1.5 · 2^52: added to a small whole number, its low bits are that number. */
const MAGIC = 6755399441055744;
const MAGIC_BITS = 0x4338000000000000n;

/** The low two lanes of x^y as f32, for x >= 0. Relative error before rounding about 1e-10. */
function powerOfPair(into: Vector, x: Vector, y: Vector, [m, e, s, z, wide]: readonly Vector[]): void {
  const series = (target: Vector, at: Vector, coefficients: readonly number[]) => {
    set(target, doubles(coefficients[0]));
    for (const coefficient of coefficients.slice(1)) set(target, f64x2.add(f64x2.mul(target, at), doubles(coefficient)));
  };
  // log2 x = e + log2 m, m between √½ and √2; ln m = 2 artanh((m - 1) / (m + 1)).
  set(wide, f64x2.promote_low_f32x4(x));
  set(e, i64x2.sub(wide, longs(SQRT_HALF_64)));
  set(m, i64x2.add(v128.and(e, longs(0xfffffffffffffn)), longs(SQRT_HALF_64)));
  set(e, f64x2.sub(i64x2.add(i64x2.shr_s(e, 52), longs(MAGIC_BITS)), doubles(MAGIC)));
  set(s, f64x2.div(f64x2.sub(m, doubles(1)), f64x2.add(m, doubles(1))));
  set(z, f64x2.mul(s, s));
  series(
    m,
    z,
    [15, 13, 11, 9, 7, 5, 3, 1].map((odd) => (2 * Math.LOG2E) / odd),
  );
  set(e, f64x2.add(e, f64x2.mul(m, s)));
  override(e, doubles(-Infinity), f64x2.eq(wide, doubles(0)));
  override(e, doubles(Infinity), f64x2.eq(wide, doubles(Infinity)));
  set(e, f64x2.mul(e, f64x2.promote_low_f32x4(y)));
  // 2^e = 2^n · e^s; beyond these limits the f32 is infinite, or rounds to zero.
  set(e, f64x2.max(f64x2.min(e, doubles(140)), doubles(-160)));
  set(m, f64x2.nearest(e));
  set(s, f64x2.mul(f64x2.sub(e, m), doubles(Math.LN2)));
  series(z, s, [1 / 362880, 1 / 40320, 1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1, 1]);
  set(m, i64x2.shl(f64x2.add(m, doubles(MAGIC)), 52));
  set(into, f32x4.demote_f64x2_zero(i64x2.add(z, m)));
}

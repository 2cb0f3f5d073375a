// How numbers are written for people: three significant digits, SI prefixes, always a `.`. Files for programs carry full precision instead.

const PREFIXES = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
  [1, ''],
] as const;

const DURATIONS = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
  [1, 'ns'],
] as const;

/** Three significant digits without an exponent where that stays short: 1234 → `1230`, 12.345 → `12.3`, 0.01234 → `0.0123`. */
export function significant(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return '0';
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  if (magnitude < -4 || magnitude > 6) return value.toExponential(digits - 1);
  const step = 10 ** Math.max(0, magnitude - digits + 1);
  // toPrecision rounds up into the next magnitude by itself: 9.999 is 10.0, and toFixed would show 10.00.
  return magnitude >= digits ? String(Math.round(value / step) * step) : Number(value.toPrecision(digits)).toFixed(decimals(value, digits));
}

function decimals(value: number, digits: number): number {
  const rounded = Math.abs(Number(value.toPrecision(digits)));
  return Math.max(0, digits - 1 - Math.floor(Math.log10(rounded)));
}

function scaled<Unit extends string>(value: number, steps: readonly (readonly [number, Unit])[]): [string, Unit] {
  // The unit is chosen after rounding, so that 999.9 ns is 1.00 µs and never 1000 ns.
  const rounded = Number(Math.abs(value).toPrecision(3));
  const [factor, unit] = steps.find(([size]) => rounded >= size) ?? steps[steps.length - 1];
  return [significant(value / factor), unit];
}

/** Nanoseconds as `1.23 µs`, `45.0 ms`, `1.20 s`. */
export const duration = (ns: number): string => scaled(ns, DURATIONS).join(' ');

/** Bytes with SI prefixes: `4.19 MB`; whole bytes stay whole. */
export function bytes(count: number): string {
  const [value, prefix] = scaled(count, PREFIXES);
  return prefix === '' ? `${Math.round(count)} B` : `${value} ${prefix}B`;
}

/** A share in percent: `63.2 %`. */
export const percent = (share: number): string => `${significant(share)} %`;

/** A ratio: `1.25x`. */
export const ratio = (value: number): string => `${significant(value)}x`;

/** An error: `2.8e-7`; zero is `0`. */
export const scientific = (value: number): string => (value === 0 || !Number.isFinite(value) ? String(value) : value.toExponential(1));

/** Shortens to `width` characters by an ellipsis in the middle, where paths and arm names say least. */
export function abbreviate(text: string, width: number): string {
  if (text.length <= width) return text;
  if (width <= 1) return '…'.slice(0, width);
  const tail = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - tail)}…${tail ? text.slice(-tail) : ''}`;
}

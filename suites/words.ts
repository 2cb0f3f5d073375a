// Numbers in the sentences of a verdict: three digits, with a unit that fits.

const scaled = (value: number, steps: readonly (readonly [size: number, unit: string])[]): string => {
  const rounded = Number(Math.abs(value).toPrecision(3));
  const [size, unit] = steps.find(([size]) => rounded >= size) ?? steps[steps.length - 1];
  return `${digits(value / size)} ${unit}`;
};

/** Three significant digits, never with an exponent where that stays readable. */
export const digits = (value: number): string =>
  value === 0 ? '0' : Math.abs(value) >= 1e3 ? value.toFixed(0) : String(Number(value.toPrecision(3)));

export const time = (ns: number): string =>
  scaled(ns, [
    [1e9, 's'],
    [1e6, 'ms'],
    [1e3, 'µs'],
    [1, 'ns'],
  ]);

/** A number of bytes that need not be whole: `1.5 MB`. */
export const size = (bytes: number): string =>
  scaled(bytes, [
    [1e9, 'GB'],
    [1e6, 'MB'],
    [1e3, 'kB'],
    [1, 'B'],
  ]);

/** A count of many: `1.2 million`. */
export const count = (value: number): string =>
  scaled(value, [
    [1e9, 'billion'],
    [1e6, 'million'],
    [1e3, 'thousand'],
    [1, ''],
  ]).trim();

/** A share as per cent, whole from 10 on. */
export const share = (value: number): string => `${Math.abs(value) >= 0.0995 ? (100 * value).toFixed(0) : digits(100 * value)} %`;

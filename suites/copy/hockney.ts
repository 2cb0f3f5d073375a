// Hockney's model of a transfer: t = latency + bytes / bandwidth (Hockney 1994), fitted to measured times of several sizes.
//
// What is made small is the sum of squared relative errors, (fit - t) / t: sizes span eight orders of magnitude, and absolute errors would fit the largest alone.

export interface Point {
  readonly bytes: number;
  readonly ns: number;
}

export interface Fit {
  /** Nanoseconds that a transfer takes before its first byte. */
  readonly latencyNs: number;
  /** Bytes per nanosecond, which is GB/s. */
  readonly gbps: number;
  /** The size that reaches half of the bandwidth: latency times bandwidth. */
  readonly halfBytes: number;
  /** The share of the squared relative errors of the best constant that the line explains; 1 is perfect. */
  readonly r2: number;
  /** Root of the mean squared relative error, and the largest error, as shares. */
  readonly residual: number;
  readonly worst: number;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** The fit to at least three points of different sizes; undefined for fewer, or where more bytes take no longer. */
export function hockney(points: readonly Point[]): Fit | undefined {
  if (new Set(points.map(({ bytes }) => bytes)).size < 3) return undefined;
  // Least squares of a · (1 / t) + b · (bytes / t) = 1.
  const u = points.map(({ ns }) => 1 / ns);
  const v = points.map(({ bytes, ns }) => bytes / ns);
  const [uu, uv, vv] = [sum(u.map((one) => one * one)), sum(u.map((one, i) => one * v[i])), sum(v.map((one) => one * one))];
  const determinant = uu * vv - uv * uv;
  let latencyNs = (sum(u) * vv - sum(v) * uv) / determinant;
  let perByte = (sum(v) * uu - sum(u) * uv) / determinant;
  // A negative latency is none: then the line goes through the origin.
  if (latencyNs < 0) [latencyNs, perByte] = [0, sum(v) / vv];
  if (!(perByte > 0)) return undefined;
  const errors = points.map(({ bytes, ns }) => (latencyNs + perByte * bytes) / ns - 1);
  const constant = sum(u) / uu;
  const squared = sum(errors.map((error) => error ** 2));
  return {
    latencyNs,
    gbps: 1 / perByte,
    halfBytes: latencyNs / perByte,
    r2: 1 - squared / sum(u.map((one) => (constant * one - 1) ** 2)),
    residual: Math.sqrt(squared / points.length),
    worst: Math.max(...errors.map(Math.abs)),
  };
}

// A small run with one row of every kind: what the writers' tests write.

import type { Sample, Summary } from '../harness/record.ts';
import { type RunDocument, SCHEMA_VERSION } from './schema.ts';

export const run: RunDocument = {
  schemaVersion: SCHEMA_VERSION,
  run_id: '2026-01-02T03-04-05-matmul',
  command: ['run', 'matmul', '--device', 'cpu'],
  seed: 7,
  started_utc: '2026-01-02T03:04:05.000Z',
  environment: {
    fingerprint: 'a1b2',
    cpu: 'A CPU | with a bar',
    cores: 2,
    caches: { L1d: 32768 },
    memory_bytes: 2 ** 33,
    os: 'Linux',
    arch: 'x64',
    node: '24.21.0',
    v8: '13.6',
    node_flags: '',
    load: [0.5, 0.25, 0],
    adapters: { cpu: 'A CPU' },
    features: { cpu: 'simd' },
  },
};

const row: Summary = {
  run_id: run.run_id,
  time_utc: '2026-01-02T03:04:06.000Z',
  suite: 'matmul',
  case: 'matmul/512x512x512/nn/f32',
  device: 'cpu',
  arm: 'ours:packed@cpu/2',
  kernel: 'packed',
  tunables: '{"KC":256,"MC":96}',
  tune_source: 'default',
  dtype: 'f32',
  threads: 2,
  v8_flags: '--experimental-wasm-revectorize',
  status: 'ok',
  forks: 3,
  samples: 30,
  median_ns: 1234567.8,
  mad_ns: 12345,
  ci_low_ns: 1200000,
  ci_high_ns: 1260000,
  cold_ns: 5e6,
  gflops: 217.4,
  gbps: 2.55,
  roof_pct: 91.2,
  bound: 'compute',
  bytes_h2d: 2097152,
  bytes_d2h: 1048576,
  peak_bytes: 3145728,
  max_rel_err: 2.8e-7,
  verified: true,
};

export const fast: Summary = row;
export const slow: Summary = {
  ...row,
  arm: 'openblas',
  kernel: undefined,
  tunables: undefined,
  median_ns: 2469135.6,
  ci_low_ns: 2400000,
  ci_high_ns: 2520000,
  gflops: 108.7,
  roof_pct: 45.6,
};
export const wrong: Summary = {
  ...row,
  arm: 'ours:naive@cpu/1',
  status: 'wrong',
  reason: 'C[3] is NaN, expected "1.5", or nearly;\nsee above',
  median_ns: undefined,
  gflops: undefined,
  max_rel_err: Infinity,
  verified: false,
  extra: { note: 'a, "b"', warm_ns: 12.5 },
};
export const skipped: Summary = {
  run_id: run.run_id,
  time_utc: '2026-01-02T03:04:07.000Z',
  suite: 'matmul',
  case: 'matmul/1024x1024x1024/nn/f32',
  device: 'webgpu',
  arm: 'ours:tiled@webgpu',
  dtype: 'f32',
  status: 'skipped',
  reason: 'no WebGPU adapter; install a driver',
};
export const summaries: readonly Summary[] = [fast, slow, wrong, skipped];

export const sample: Sample = {
  run_id: run.run_id,
  suite: 'matmul',
  case: fast.case,
  arm: fast.arm,
  device: 'cpu',
  kernel: 'packed',
  dtype: 'f32',
  threads: 2,
  fork: 0,
  round: 0,
  slot: 1,
  metric: 'time',
  unit: 'ns',
  value: 1234567.8,
  iterations: 16,
  canary: 1e6,
  steal_pct: 0.5,
  dropped: false,
};
export const dropped: Sample = {
  ...sample,
  round: 1,
  slot: 0,
  arm: slow.arm,
  kernel: undefined,
  dropped: true,
  reason: 'another arm was busy',
};
export const samples: readonly Sample[] = [sample, dropped];

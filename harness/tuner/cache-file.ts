// Kernel Tuner's cache file: what its simulation mode and its dashboard read.
//
//   {"device_name": .., "kernel_name": .., "problem_size": .., "tune_params_keys": ["MR", ..], "tune_params": {"MR": [4, 6], ..}, "objective": "time",
//    "cache": {"4,8": {"MR": 4, "NR": 8, "time": 0.81, "times": [..], "compile_time": .., ..}, "6,8": {.., "time": "RuntimeFailedConfig"}}}
//
// Times are milliseconds; a failure has the name of its class in the place of the time.

import type { TunableSpace } from '../../kernels/kernel.ts';
import { UsageError } from '../suite.ts';
import type { RecordedResults } from './recording.ts';
import type { T4Result } from './t4.ts';

const FAILURES: Readonly<Record<string, T4Result['invalidity']>> = {
  CompilationFailedConfig: 'compile',
  RuntimeFailedConfig: 'runtime',
  InvalidConfig: 'constraints',
};

/** The results of a parsed cache file. Throws a UsageError for what cannot be one. */
export function cacheRecording(document: Readonly<Record<string, unknown>>, path: string): RecordedResults {
  const { tune_params: parameters, tune_params_keys: keys, cache, kernel_name, device_name } = document;
  const fail = (what: string): never => {
    throw new UsageError(`${path}: ${what}`);
  };
  if (!Array.isArray(keys) || typeof parameters !== 'object' || parameters === null || typeof cache !== 'object' || cache === null)
    return fail("lacks tune_params, tune_params_keys or cache, so it is no cache file of Kernel Tuner's");
  const tunables: TunableSpace = Object.fromEntries(
    keys.map((name: string) => {
      const values = (parameters as Record<string, unknown>)[name];
      if (!Array.isArray(values)) return fail(`tune_params has no values of ${name}`);
      return [name, values.map((value) => numberOf(value) ?? fail(`${name} has the value ${JSON.stringify(value)}, expected numbers`))];
    }),
  );
  const results = Object.entries(cache as Record<string, Record<string, unknown>>).map(([key, line]) =>
    resultOf(key, line, tunables, fail),
  );
  return { name: String(kernel_name ?? 'kernel'), device: String(device_name ?? 'unknown'), tunables, results };
}

const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : undefined;

function resultOf(key: string, line: Readonly<Record<string, unknown>>, tunables: TunableSpace, fail: (what: string) => never): T4Result {
  const configuration = Object.fromEntries(
    Object.keys(tunables).map((name) => {
      const value = numberOf(line[name]);
      if (value === undefined || !tunables[name].includes(value))
        fail(`'${key}': ${name} is ${line[name]}, expected one of ${tunables[name]}`);
      return [name, value!];
    }),
  );
  const { time, times = [], timestamp = '', compile_time = 0, verification_time = 0, benchmark_time = 0, framework_time = 0 } = line;
  const isTimed = typeof time === 'number' && time > 0;
  const ms = (value: unknown) => (typeof value === 'number' ? value : 0);
  return {
    timestamp: String(timestamp),
    configuration,
    objectives: ['time'],
    times: {
      compilation_time: ms(compile_time),
      compilation: ms(compile_time),
      validation: ms(verification_time),
      benchmark: ms(benchmark_time),
      framework: ms(framework_time),
      search_algorithm: ms(line.strategy_time),
      runtimes: Array.isArray(times) ? times.filter((each) => typeof each === 'number') : [],
    },
    invalidity: isTimed ? 'correct' : (FAILURES[String(time)] ?? 'runtime'),
    correctness: isTimed ? 1 : 0,
    measurements: isTimed ? [{ name: 'time', value: time, unit: 'ms' }] : [],
  };
}

const classOf = (invalidity: T4Result['invalidity']): string =>
  Object.keys(FAILURES).find((name) => FAILURES[name] === invalidity) ?? 'RuntimeFailedConfig';

/** A recording as a cache file. */
export function cacheFile({ name, device, tunables, results }: RecordedResults): string {
  const keys = Object.keys(tunables);
  const lines = results.map(({ configuration, times, invalidity, measurements, timestamp }) => {
    const time = invalidity === 'correct' ? measurements.find((each) => each.name === 'time')!.value : classOf(invalidity);
    const line = {
      ...configuration,
      time,
      times: times.runtimes,
      compile_time: times.compilation ?? times.compilation_time ?? 0,
      verification_time: times.validation ?? 0,
      benchmark_time: times.benchmark ?? 0,
      strategy_time: times.search_algorithm ?? 0,
      framework_time: times.framework ?? 0,
      timestamp,
    };
    return [keys.map((key) => configuration[key]).join(','), line] as const;
  });
  return `${JSON.stringify({
    schema_version: '1.1.0',
    device_name: device,
    kernel_name: name,
    problem_size: '1',
    tune_params_keys: keys,
    tune_params: tunables,
    objective: 'time',
    cache: Object.fromEntries(lines),
  })}\n`;
}

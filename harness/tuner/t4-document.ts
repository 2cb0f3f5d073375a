// A T4 document: results of a tuning with the version of their schema. The schema names no units; they are milliseconds, as Kernel Tuner writes them.

import { UsageError } from '../suite.ts';
import type { RecordedResults } from './recording.ts';
import type { T4Result } from './t4.ts';

export interface T4Document {
  readonly schema_version: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly results: readonly T4Result[];
}

export function t4Document({ name, device, results }: RecordedResults): T4Document {
  return { schema_version: '1.0.0', metadata: { timeunit: 'milliseconds', kernel_name: name, device_name: device }, results };
}

const INVALIDITIES: readonly T4Result['invalidity'][] = ['timeout', 'compile', 'runtime', 'correctness', 'constraints', 'correct'];

/** The results of a parsed document; the values of a tunable are those that occur. Throws a UsageError that names the result that makes no sense. */
export function t4Recording(document: Readonly<Record<string, unknown>>, path: string): RecordedResults {
  const { results, metadata, schema_version: version } = document;
  const fail = (what: string): never => {
    throw new UsageError(`${path}: ${what}`);
  };
  if (version !== undefined && !/^1\./.test(String(version))) return fail(`schema_version is ${JSON.stringify(version)}, expected 1.0.0`);
  if (!Array.isArray(results) || results.length === 0) return fail('has no results');
  const read = results.map((result, i) => resultOf(result, (what) => fail(`result ${i + 1}: ${what}`)));
  const names = Object.keys(read[0].configuration);
  for (const [i, { configuration }] of read.entries())
    if (Object.keys(configuration).length !== names.length || names.some((name) => !(name in configuration)))
      fail(`result ${i + 1}: has the tunables ${Object.keys(configuration).join(', ')}, expected ${names.join(', ')}`);
  const values = (name: string) => [...new Set(read.map(({ configuration }) => configuration[name] as number))];
  const { kernel_name = 'kernel', device_name = 'unknown' } = (metadata ?? {}) as Record<string, unknown>;
  const tunables = Object.fromEntries(names.map((name) => [name, values(name)]));
  return { name: String(kernel_name), device: String(device_name), tunables, results: read };
}

function resultOf(result: Partial<T4Result> | null, fail: (what: string) => never): T4Result {
  if (typeof result?.configuration !== 'object' || typeof result.times !== 'object') return fail('lacks configuration or times');
  const { timestamp = '', objectives = ['time'], times, invalidity = 'correct', correctness = 1, measurements = [], x } = result;
  const configuration = Object.fromEntries(
    Object.entries(result.configuration).map(([name, value]) => {
      const number = typeof value === 'boolean' ? Number(value) : value;
      return [name, typeof number === 'number' ? number : fail(`${name} is ${JSON.stringify(value)}, expected a number`)];
    }),
  );
  if (!INVALIDITIES.includes(invalidity)) fail(`invalidity is ${invalidity}, expected one of ${INVALIDITIES.join(', ')}`);
  const objective = measurements.find(({ name }) => name === objectives[0]);
  if (invalidity === 'correct' && !(Number(objective?.value) > 0))
    fail(`its ${objectives[0]} is ${objective?.value}, expected a number above 0`);
  // Whatever the objective is called there, it is the time here.
  const others = measurements.filter((each) => each !== objective);
  const time = invalidity === 'correct' ? [{ name: 'time', value: Number(objective!.value), unit: objective!.unit || 'ms' }] : [];
  return {
    timestamp,
    configuration,
    objectives: ['time'],
    times: { ...times, runtimes: times.runtimes ?? [] },
    invalidity,
    correctness,
    measurements: invalidity === 'correct' ? [...time, ...others] : [],
    ...(x && { x }),
  };
}

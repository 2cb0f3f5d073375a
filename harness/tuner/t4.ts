// T4 is the form in which tuners exchange what they have measured (FAIR autotuning results, schema 1.0.0): one result for each configuration.

/** One measured configuration. Times are in milliseconds; `x` is what the schema has no place for. */
export interface T4Result {
  readonly timestamp: string;
  readonly configuration: Readonly<Record<string, number | string>>;
  readonly objectives: readonly string[];
  readonly times: Readonly<Record<string, number | readonly number[]>> & { readonly runtimes: readonly number[] };
  readonly invalidity: 'timeout' | 'compile' | 'runtime' | 'correctness' | 'constraints' | 'correct';
  readonly correctness: number;
  readonly measurements: readonly { readonly name: string; readonly value: number; readonly unit: string }[];
  readonly x?: Readonly<Record<string, unknown>>;
}

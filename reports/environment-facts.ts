// The environment as names and values, flattened: `caches.L1d: 32768`. What every report for people ends with.

/** Everything scalar that `value` says; lists on one line; what is missing or empty is left out. */
export function factsOf(value: unknown, path: readonly string[] = []): [string, string][] {
  if (value === undefined || value === null || value === '') return [];
  if (Array.isArray(value)) return value.length ? [[path.join('.'), value.map((item) => JSON.stringify(item) ?? '').join(', ')]] : [];
  if (typeof value === 'object') return Object.entries(value).flatMap(([name, inner]) => factsOf(inner, [...path, name]));
  return [[path.join('.'), String(value)]];
}

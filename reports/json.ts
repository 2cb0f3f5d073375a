// JSON: `results.json`, all of a run in one document, and `run.json`. What they mean is in schema.ts and results.schema.json.
//
// A number that JSON cannot write (an error beyond all bounds) is left out, like all that is missing.

import { type Results, type RunDocument, resultsSchema, runSchema, SCHEMA_VERSION } from './schema.ts';

const text = (document: object): string =>
  `${JSON.stringify(document, (_, value) => (typeof value === 'number' && !Number.isFinite(value) ? undefined : value), 2)}\n`;

/** The whole of `results.json`. */
export const resultsJson = ({ run, summaries, samples, verdict, comparison }: Results): string =>
  text({ schemaVersion: SCHEMA_VERSION, run, summaries, samples, verdict, comparison });

/** The whole of `run.json`. */
export const runJson = (run: RunDocument): string => text(run);

/** A document that is not JSON or not what the schema says. The message names the place in it. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError';
}

function parse<T>(source: string, schema: typeof runSchema | typeof resultsSchema): T {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (error) {
    throw new DocumentError(`not JSON: ${(error as Error).message}`);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data as T;
  const version =
    (value as { schemaVersion?: unknown } | null)?.schemaVersion ??
    (value as { run?: { schemaVersion?: unknown } } | null)?.run?.schemaVersion;
  if (typeof version === 'number' && version > SCHEMA_VERSION)
    throw new DocumentError(
      `schemaVersion ${version} is newer than ${SCHEMA_VERSION}, the newest that this version reads; update tilebench`,
    );
  const { path, message } = result.error.issues[0];
  throw new DocumentError(`${path.join('.') || 'the document'}: ${message}`);
}

/** A `run.json` back. Throws a DocumentError. */
export const readRun = (source: string): RunDocument => parse(source, runSchema);

/** A `results.json` back. Throws a DocumentError. */
export const readResults = (source: string): Results => parse(source, resultsSchema);

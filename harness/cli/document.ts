// The document of a run at its start: what it is of, where and when it began. A run that goes on keeps the name and the time of its beginning.

import { basename } from 'node:path';
import type { FolderSink } from '../../reports/folder.ts';
import { type RunDocument, SCHEMA_VERSION } from '../../reports/schema.ts';
import { lookAround } from '../environment.ts';
import type { Probes } from '../probe.ts';
import { checkResumable } from '../resume.ts';

/** What a command says of a run: its arguments and its seed. */
export interface Beginning {
  readonly command: readonly string[];
  readonly seed: number;
}

/** Looks at the machine. Throws a UsageError where the run in the folder began elsewhere or with another seed. */
export function beginDocument({ dir, earlier: { run } }: FolderSink, probes: Probes, { command, seed }: Beginning): RunDocument {
  const { environment, versions } = lookAround(probes);
  if (run) checkResumable(run, environment, seed);
  return {
    schemaVersion: SCHEMA_VERSION,
    run_id: run?.run_id ?? basename(dir),
    command: [...command],
    seed,
    started_utc: run?.started_utc ?? new Date().toISOString(),
    versions: { ...versions },
    environment: { ...environment },
  };
}

// `bench list`: suites, kernels with their tunables, data sets, peers. It loads nothing that measures, so that it answers at once.

import { sources } from '../../framework/data/download/sources.ts';
import { kernels } from '../../kernels/catalog.ts';
import { suites } from '../../suites/catalog.ts';
import { unknownName } from '../nearest.ts';
import { UsageError } from '../suite.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { peerLines, peerListings } from './peers.ts';

const FORMATS = ['table', 'json'];

/** Prints the lists as text or as one JSON document. */
export function list(format: string): ExitCode {
  if (!FORMATS.includes(format)) throw new UsageError(unknownName('format', format, FORMATS));
  const listing = {
    suites: suites.map(({ name, question }) => ({ name, question })),
    kernels: kernels.map(({ op, device, name, summary, requires, tunables }) => ({ op, device, name, summary, requires, tunables })),
    data: sources.map(({ name, summary }) => ({ name, summary })),
    peers: peerListings(),
  };
  process.stdout.write(format === 'json' ? `${JSON.stringify(listing, null, 2)}\n` : text(listing));
  return EXIT.passed;
}

interface Listing {
  readonly suites: readonly { name: string; question: string }[];
  readonly kernels: readonly {
    op: string;
    device: string;
    name: string;
    summary: string;
    tunables: Readonly<Record<string, readonly number[]>>;
  }[];
  readonly data: readonly { name: string; summary: string }[];
}

function text({ suites, kernels, data }: Listing): string {
  const knobs = (tunables: Readonly<Record<string, readonly number[]>>) =>
    Object.entries(tunables)
      .map(([name, values]) => `${name} ${values.join(' ')}`)
      .join(', ');
  const kernelLines = kernels.flatMap(({ op, device, name, summary, tunables }) => [
    `  ${`${op}/${device}/${name}`.padEnd(26)} ${summary}`,
    ...(Object.keys(tunables).length > 0 ? [`  ${''.padEnd(26)} ${knobs(tunables)}`] : []),
  ]);
  return [
    'Suites',
    ...suites.map(({ name, question }) => `  ${name.padEnd(26)} ${question}`),
    '',
    'Kernels',
    ...kernelLines,
    '',
    'Data sets (bench data get NAME; besides: synthetic, and paths of your own)',
    ...data.map(({ name, summary }) => `  ${name.padEnd(26)} ${summary}`),
    '',
    'Peers',
    ...peerLines(),
    '',
  ].join('\n');
}

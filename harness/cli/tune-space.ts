// `bench tune space`: how large a space is before and after its constraints, or every configuration of it.

import { readFileSync } from 'node:fs';
import { kernels } from '../../kernels/catalog.ts';
import { tableCsv } from '../../reports/csv.ts';
import { nearest } from '../nearest.ts';
import { UsageError } from '../suite.ts';
import { Space, type SpaceSource } from '../tuner/space.ts';
import { spaceOfT1 } from '../tuner/t1.ts';
import { EXIT, type ExitCode } from './exit.ts';
import { isPath } from './suites.ts';
import { planTuning } from './tune-plan.ts';

export interface SpaceFlags {
  readonly shapes?: string;
  readonly csv?: boolean;
}

export async function showSpace(name: string, { shapes, csv }: SpaceFlags): Promise<ExitCode> {
  const { title, source } = name.endsWith('.json') ? { title: name, source: spaceOfT1(jsonOf(name), name) } : await ofKernel(name, shapes);
  const began = performance.now();
  const space = new Space(source);
  const ms = performance.now() - began;
  if (space.size === 0) throw new UsageError(`${title}: no configuration of ${space.rawSize} meets the constraints`);
  process.stdout.write(csv ? tableCsv([...space], space.names) : sizes(title, space, ms));
  return EXIT.passed;
}

function jsonOf(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${path}: cannot be read as JSON: ${(error as Error).message}`);
  }
}

/** The space of a kernel, by OP/DEVICE/NAME or by its module, for the first problem that it can do on this machine. */
async function ofKernel(name: string, shapes: string | undefined): Promise<{ title: string; source: SpaceSource }> {
  const path = name.startsWith('.') || name.startsWith('file:') || /\.[cm]?[jt]s$/.test(name);
  const known = kernels.find((kernel) => `${kernel.op}/${kernel.device}/${kernel.name}` === name);
  if (!known && !(path && isPath(name))) {
    // Their full list is long; `bench list` has it.
    const near = nearest(
      name,
      kernels.map((kernel) => `${kernel.op}/${kernel.device}/${kernel.name}`),
    );
    const question = near.length > 0 ? `; did you mean ${near.join(' or ')}?` : ';';
    throw new UsageError(`unknown kernel '${name}'${question} see bench list, or give a module of your own or a T1 document, *.json`);
  }
  const plan = await planTuning(known?.op ?? name, { shapes, ...(known && { device: [known.device], kernels: [known.name] }) });
  const [{ name: problem, place, spaces }] = plan.tunings;
  const [[kernel, source]] = spaces;
  return { title: `${kernel.op}/${kernel.device}/${kernel.name} for ${problem} on ${place.name}`, source };
}

const grouped = (count: number): string => count.toLocaleString('en-US');

function sizes(title: string, space: Space, ms: number): string {
  const share = ((100 * space.size) / space.rawSize).toPrecision(3);
  return [
    `${title}: ${grouped(space.size)} configurations of ${grouped(space.rawSize)} (${share} %), enumerated in ${ms.toFixed(0)} ms`,
    ...space.names.map((each) => `  ${each.padEnd(12)} ${space.tunables[each].join(' ')}`),
    ...space.constraints.map((text) => `  ${text}`),
    '',
  ].join('\n');
}

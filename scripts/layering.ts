// The layering check: who may import whom, and where each third-party package may live. Design: the table under "The house".
//
// Imports are read from the text: static, dynamic and re-exports. `import type` is erased, so an area whose types alone are open to another is safe.

import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { ROOT, sources } from './sources.ts';

export interface Import {
  readonly from: string;
  readonly line: number;
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly dynamic: boolean;
}

/** Areas of the house, the most special first; a file belongs to the first whose name its path starts with. */
const AREAS = [
  'kernels/cpu',
  'kernels/webgpu',
  'kernels',
  'framework/data',
  'framework/log',
  'framework',
  'harness/cli',
  'harness',
  'suites',
  'reports',
  'scripts',
  'docs',
  'index.ts',
] as const;
type Area = (typeof AREAS)[number];

const ALL: readonly Area[] = AREAS;
const KERNELS: readonly Area[] = ['kernels', 'kernels/cpu', 'kernels/webgpu'];

/** What each area may import of the project besides itself; `types` are open to `import type` only. */
const MAY: Readonly<Record<Area, { values: readonly Area[]; types?: readonly Area[] }>> = {
  'kernels/cpu': { values: ['kernels'] },
  'kernels/webgpu': { values: ['kernels'] },
  kernels: { values: ['kernels/cpu', 'kernels/webgpu'] },
  framework: { values: [...KERNELS, 'framework/data', 'framework/log'] },
  'framework/data': { values: [...KERNELS, 'framework'] },
  'framework/log': { values: [...KERNELS, 'framework'] },
  harness: { values: [...KERNELS, 'framework'] },
  'harness/cli': { values: ALL },
  suites: { values: [...KERNELS, 'framework', 'framework/data', 'framework/log'], types: ['harness'] },
  reports: { values: [], types: [...KERNELS, 'framework', 'framework/log', 'harness'] },
  scripts: { values: ALL },
  docs: { values: ALL },
  'index.ts': { values: [...KERNELS, 'framework'] },
};

/** Modules of words that all areas share: they load nothing of the project themselves, so importing them couples nobody. */
const WORDS = ['harness/suite.ts', 'harness/record.ts', 'harness/csv.ts', 'harness/nearest.ts'];

/** Third-party packages and the paths they may be imported from. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@julusian/jpeg-turbo': ['framework/data/'],
  '@sparticuz/chromium': ['kernels/webgpu/software.ts'],
  commander: ['harness/cli/'],
  'csv-stringify': ['reports/csv.ts'],
  'd3-scale': ['reports/charts/'],
  'd3-shape': ['reports/charts/'],
  piscina: ['kernels/cpu/', 'framework/data/'],
  tinybench: ['harness/sampler.ts'],
  wasmati: ['kernels/cpu/'],
  webgpu: ['kernels/webgpu/provider.ts'],
  zod: ['reports/', 'harness/cli/'],
};

/** Where a browser loads code: Node's modules may only be imported dynamically, on a path that has found itself in Node. */
const BROWSER: readonly Area[] = ['kernels', 'kernels/webgpu', 'framework'];
/** Files of those areas that Node alone loads; within the areas always by a dynamic import. */
const NODE_ONLY = ['kernels/webgpu/software.ts', 'framework/cache-folder.ts', 'framework/user-tables.ts'];

const IMPORT = /^[ \t]*(?:import|export)\s+(type\s+)?(?:[\w*{][^'";]*?from\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"$]+)['"]\s*\)/gm;

/** The imports that a source text makes. */
export function importsOf(from: string, text: string): Import[] {
  // Comments are blanked, not removed, so that lines stay where they are.
  const code = text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g, (comment) => comment.replace(/[^\n]/g, ' '));
  return [...code.matchAll(IMPORT)].map((match) => ({
    from,
    line: code.slice(0, match.index + match[0].search(/\S/)).split('\n').length,
    specifier: match[2] ?? match[3],
    typeOnly: match[1] !== undefined,
    dynamic: match[3] !== undefined,
  }));
}

/** Tests, and the programs that they run. */
const isOfTests = (path: string): boolean => path.endsWith('.test.ts') || path.includes('/fixtures/');

export const areaOf = (path: string): Area | undefined => AREAS.find((area) => path === area || path.startsWith(`${area}/`));

function projectFault({ from, typeOnly, dynamic }: Import, target: string): string | undefined {
  const [own, other] = [areaOf(from), areaOf(target)];
  if (!own) return `is in no area of the house; expected one of ${AREAS.join(', ')}`;
  if (WORDS.includes(from) && !typeOnly && !WORDS.includes(target)) return 'is a module of words, which load nothing of the project';
  const loadsInBrowser = BROWSER.includes(own) && !NODE_ONLY.includes(from);
  if (NODE_ONLY.includes(target) && loadsInBrowser && !dynamic && !typeOnly && !isOfTests(from))
    return 'loads a file that only Node has; import it dynamically';
  if (!other || own === other || WORDS.includes(target)) return undefined;
  const { values, types = [] } = MAY[own];
  if (values.includes(other) || (typeOnly && types.includes(other))) return undefined;
  return types.includes(other) ? `may import only types of ${other}; use import type` : `may not import ${other}`;
}

function packageFault({ from, specifier, typeOnly, dynamic }: Import): string | undefined {
  const isTest = isOfTests(from);
  if (specifier.startsWith('node:')) {
    const own = areaOf(from);
    const loads = !typeOnly && !dynamic && !isTest && own && BROWSER.includes(own) && !NODE_ONLY.includes(from);
    return loads ? 'must load in a browser; import Node modules dynamically, where Node was found' : undefined;
  }
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (name === 'tilebench') return undefined;
  if (name === 'uvu') return isTest ? undefined : 'uvu is for *.test.ts';
  const places = PACKAGES[name];
  if (!places) return `${name} has no place yet; give it one in scripts/layering.ts and a reason in docs/dependencies.md`;
  return typeOnly || isTest || places.some((place) => from.startsWith(place)) ? undefined : `${name} lives in ${places.join(', ')}`;
}

/** What is wrong with one import, as `file:line: ...`, or undefined. */
export function fault(found: Import): string | undefined {
  const { from, line, specifier } = found;
  const why = specifier.startsWith('.') ? projectFault(found, posix.join(posix.dirname(from), specifier)) : packageFault(found);
  return why && `${from}:${line}: imports ${specifier}: ${areaOf(from) ?? from} ${why}`;
}

/** Every fault among the sources below `root`. */
export const layeringFaults = (root = ROOT): string[] =>
  sources('**/*.{ts,mjs}', root)
    .flatMap((path) => importsOf(path, readFileSync(posix.join(root, path), 'utf8')))
    .map(fault)
    .filter((line) => line !== undefined);

if (import.meta.main) {
  const faults = layeringFaults();
  for (const line of faults) console.error(line);
  process.exitCode = faults.length ? 1 : 0;
}

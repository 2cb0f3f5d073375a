// A tuning problem in the T1 form, the exchange format of search spaces (FAIR autotuning, "T1-1.0.0"; BAT, KTT and Kernel Tuner read it).
//
//   {"ConfigurationSpace": {"TuningParameters": [{"Name": "MWG", "Type": "int", "Values": "[16, 32]"}, ..],
//                           "Conditions": [{"Parameters": ["MWG", "VWM"], "Expression": "MWG % VWM == 0"}, ..]},
//    "KernelSpecification": {"Language": "Vulkan", "KernelName": .., "KernelFile": .., "GlobalSize": {"X": ..}, "LocalSize": {"X": ..}}, ..}
//
// Expressions are Python's, of which ours are a part. The schema has no language for WGSL or WebAssembly: "Vulkan" stands there, and `x-language` says which.

import { parseConstraint, toPython } from '../../kernels/constraint.ts';
import { UsageError } from '../suite.ts';
import type { SpaceSource } from './space.ts';

interface T1Parameter {
  readonly Name: string;
  readonly Type: string;
  readonly Values: string;
}

/** What we read and write of the form. */
export interface T1Document {
  readonly ConfigurationSpace: {
    readonly TuningParameters: readonly T1Parameter[];
    readonly Conditions?: readonly { readonly Parameters: readonly string[]; readonly Expression: string }[];
  };
  readonly General?: Readonly<Record<string, unknown>>;
  readonly KernelSpecification: Readonly<Record<string, unknown>>;
}

/** What a space belongs to, as T1 wants to know it. */
export interface T1Kernel {
  readonly name: string;
  readonly language: 'WGSL' | 'WASM';
  readonly device: string;
}

/** A space as a T1 document. What is fixed, limits and facts, is put in as parameters of one value: the form knows no constants. */
export function t1Document({ tunables, constraints = [], constants = {} }: SpaceSource, kernel: T1Kernel): T1Document {
  const read = new Set(constraints.flatMap((text) => parseConstraint(text).names));
  const fixed = Object.entries(constants).filter(([name]) => read.has(name) && !(name in tunables));
  const parameters = [...Object.entries(tunables), ...fixed.map(([name, value]) => [name, [value]] as const)];
  return {
    ConfigurationSpace: {
      TuningParameters: parameters.map(([Name, values]) => ({
        Name,
        Type: values.every(Number.isInteger) ? 'int' : 'float',
        Values: `[${values.join(', ')}]`,
      })),
      Conditions: constraints.map((text) => {
        const constraint = parseConstraint(text);
        return { Parameters: constraint.names, Expression: toPython(constraint) };
      }),
    },
    General: { FormatVersion: 1, TimeUnit: 'Milliseconds', OutputFormat: 'JSON' },
    KernelSpecification: {
      Language: 'Vulkan',
      'x-language': kernel.language,
      KernelName: kernel.name,
      KernelFile: kernel.name,
      Device: { Name: kernel.device },
      GlobalSize: { X: '1' },
      LocalSize: { X: '1' },
    },
  };
}

/** The space of a T1 document. Throws a UsageError, with `where` in front, for what is not such a document or cannot be read as numbers. */
export function spaceOfT1(document: unknown, where: string): SpaceSource {
  const fail = (what: string): never => {
    throw new UsageError(`${where}: ${what}`);
  };
  const space = (document as Partial<T1Document> | null)?.ConfigurationSpace;
  if (!Array.isArray(space?.TuningParameters))
    return fail('has no ConfigurationSpace.TuningParameters, so it is no tuning problem in T1 form');
  const tunables: Record<string, readonly number[]> = {};
  for (const { Name, Values } of space.TuningParameters as readonly Partial<T1Parameter>[]) {
    if (typeof Name !== 'string' || typeof Values !== 'string') return fail('a tuning parameter lacks its Name or its Values');
    if (Name in tunables) return fail(`the parameter ${Name} appears twice`);
    tunables[Name] = valuesOf(Values) ?? fail(`the values of ${Name} are ${Values}, expected a list of numbers such as [16, 32]`);
  }
  const constraints = (space.Conditions ?? []).map(({ Expression }) =>
    typeof Expression === 'string' ? Expression : fail('a condition has no Expression'),
  );
  for (const text of constraints) checkCondition(text, tunables, fail);
  return { tunables, constraints };
}

/** A list as Python or JSON writes it; True and False are 1 and 0. */
function valuesOf(text: string): number[] | undefined {
  const inner = /^\s*[[(](.*?),?\s*[\])]\s*$/s.exec(text)?.[1];
  if (inner === undefined) return undefined;
  const values = inner.split(',').map((item) => {
    const word = item.trim();
    if (word === 'True' || word === 'true') return 1;
    if (word === 'False' || word === 'false') return 0;
    return word === '' ? Number.NaN : Number(word);
  });
  return values.every(Number.isFinite) ? values : undefined;
}

function checkCondition(text: string, tunables: Readonly<Record<string, unknown>>, fail: (what: string) => never): void {
  try {
    const unknown = parseConstraint(text).names.find((name) => !(name in tunables));
    if (unknown !== undefined) fail(`the condition '${text}' reads ${unknown}, which is no parameter`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    fail((error as Error).message);
  }
}

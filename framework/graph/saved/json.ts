// What JSON states, checked: each function gives what is wanted, or throws a FormatError that begins with `who`.

import { excerpt, FormatError, statedShape } from '../../formats/array.ts';
import type { Spec } from '../../layout.ts';
import { checkShape, sizeOf } from '../../shape.ts';
import { dtypes } from './op-table.ts';

/** Most elements of one node. */
const MAX_ELEMENTS = 2 ** 30;

export type Json = Readonly<Record<string, unknown>>;
export const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
export const shown = (value: unknown): string => excerpt(JSON.stringify(value));

export function recordOf(who: string, value: unknown): Json {
  if (!isRecord(value)) throw new FormatError(`${who} is ${shown(value)}, expected an object`);
  return value;
}

export function listOf(who: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new FormatError(`${who} is ${shown(value)}, expected a list`);
  return value;
}

export function textOf(who: string, value: unknown): string {
  if (typeof value !== 'string') throw new FormatError(`${who} is ${shown(value)}, expected a text`);
  return value;
}

/** A number, or the text of one that JSON lacks. */
export function numberIn(who: string, value: unknown): number {
  if (typeof value === 'number') return value;
  if (value === '-0' || value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
  throw new FormatError(`${who} is ${shown(value)}, expected a number, or one of the texts -0, NaN, Infinity, -Infinity`);
}

export function specOf(who: string, { dtype, shape }: Json): Spec {
  if (!dtypes.isMet(dtype)) throw new FormatError(`${who}: dtype is ${shown(dtype)}, expected ${dtypes.text}`);
  return checkedSpec(who, { dtype: dtype as Spec['dtype'], shape: statedShape(who, shape).shape });
}

/** `spec`, where a tensor can be of it. */
export function checkedSpec<S extends Spec>(who: string, spec: S): S {
  checked(who, () => checkShape('its shape', spec.shape));
  if (!(sizeOf(spec.shape) <= MAX_ELEMENTS)) throw new FormatError(`${who}: shape [${spec.shape}] has more than ${MAX_ELEMENTS} elements`);
  return spec;
}

/** What `work` gives; its errors, which speak of ops, become errors of the file. */
export function checked<T>(who: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof FormatError ? error : new FormatError(`${who}: ${excerpt((error as Error).message, 300)}`);
  }
}

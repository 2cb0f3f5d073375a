// Options of suites as people write them: lists of names and counts. A UsageError names the option and what it may be.

import { type Request, UsageError } from '../harness/suite.ts';

/** An option's value as a list, each of them one of `allowed`. */
export function listOf<T extends string>(request: Request, option: string, allowed: readonly T[], fallback: readonly T[]): readonly T[] {
  const given = request.options[option];
  if (typeof given !== 'string') return fallback;
  const values = given.split(',').map((value) => value.trim());
  const wrong = values.find((value) => !(allowed as readonly string[]).includes(value));
  if (wrong !== undefined) throw new UsageError(`--${option}: '${wrong}' is none of ${allowed.join(', ')}`);
  return values as T[];
}

/** An option's value as a whole number from 1; undefined where it is not given. */
export function countOf(request: Request, option: string): number | undefined {
  const given = request.options[option];
  if (given === undefined) return undefined;
  const count = Number(given);
  if (!Number.isInteger(count) || count < 1) throw new UsageError(`--${option} is '${given}', expected a whole number from 1`);
  return count;
}

/** An option's value as a list of seeds: whole numbers from 0. */
export function seedsOf(request: Request, option: string, fallback: readonly number[]): readonly number[] {
  const given = request.options[option];
  if (typeof given !== 'string') return fallback;
  const seeds = given.split(',').map((text) => (/^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN));
  const wrong = seeds.findIndex((seed) => !(seed < 2 ** 31));
  if (wrong >= 0)
    throw new UsageError(`--${option}: '${given.split(',')[wrong]}' is no seed; expected whole numbers from 0, such as 1,2,3`);
  return [...new Set(seeds)];
}

/** An option's value as a share above 0, up to 1; undefined where it is not given. */
export function shareOf(request: Request, option: string): number | undefined {
  const given = request.options[option];
  if (given === undefined) return undefined;
  const share = Number(given);
  if (!(share > 0 && share <= 1)) throw new UsageError(`--${option} is '${given}', expected a share above 0, up to 1, such as 0.99`);
  return share;
}

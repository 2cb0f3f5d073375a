// How a comparison ends a command: the contract's exit codes.

import type { Compared } from '../../comparison/document.ts';
import { EXIT, type ExitCode } from '../exit.ts';

export interface GatePolicy {
  readonly gate: 'regression' | 'none';
  readonly requireConclusive: boolean;
}

/** All codes that apply; the gravest wins. */
export function codesOf(
  rows: readonly Pick<Compared, 'verdict' | 'code' | 'pairs'>[],
  { gate, requireConclusive }: GatePolicy,
): ExitCode[] {
  const codes: ExitCode[] = [EXIT.passed];
  if (rows.some(({ code }) => code === 'failed' || code === 'wrong')) codes.push(EXIT.failed);
  if (!rows.some(({ pairs }) => pairs > 0)) codes.push(EXIT.invalid);
  if (gate === 'regression' && rows.some(({ verdict }) => verdict === 'regressed')) codes.push(EXIT.regression);
  if (requireConclusive && rows.some(({ verdict }) => verdict === 'inconclusive')) codes.push(EXIT.inconclusive);
  return codes;
}

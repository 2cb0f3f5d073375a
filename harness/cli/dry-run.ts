// `--dry-run`: what would be measured, for how long and in how much memory, in plain lines.

import { type Plan, predict } from '../plan.ts';

export function dryRun(plan: Plan): string {
  const lines = plan.cases.flatMap(({ case: { name }, entries }) => [
    name,
    ...entries.map(({ arm, refusal }) => `  ${arm.name}${refusal === undefined ? '' : `  skipped: ${refusal}`}`),
  ]);
  const { seconds, bytes, rows } = predict(plan);
  const total = `${plan.suite.name}: ${plan.cases.length} cases, ${rows} rows, ${plan.forks} forks; about ${Math.ceil(seconds)} s and ${Math.ceil(bytes / 2 ** 20)} MiB of operands`;
  return `${[...lines, total].join('\n')}\n`;
}

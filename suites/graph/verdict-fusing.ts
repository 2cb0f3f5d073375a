// What it saves to have a ReLU in its convolution's kernel, and whether that is what the bytes it avoids take: a ReLU by itself moves the same.

import { digits, share, size, time } from '../words.ts';
import { extraOf, highest, launches, lowest, type Measured, nsOf } from './measured.ts';

export function fusing({ what, place, forms: { apart, fused, relu } }: Measured): string[] {
  if (!apart || !fused) return [];
  const [bytes, fewer] = ['kernel_bytes', 'launches'].map((column) => extraOf(apart, column) - extraOf(fused, column));
  const saved = nsOf(apart) - nsOf(fused);
  const [least, most] = [lowest(apart) - highest(fused), highest(apart) - lowest(fused)];
  const gain =
    least > 0
      ? `saves ${time(saved)} of ${time(nsOf(apart))} (${share(saved / nsOf(apart))})`
      : most < 0
        ? `takes ${time(-saved)} more than the ${time(nsOf(apart))} apart`
        : `saves no time that can be told of ${time(nsOf(apart))}`;
  const line = `${place}, ${what}: convolution and ReLU in one kernel avoids ${size(bytes)} of the ${size(extraOf(apart, 'kernel_bytes'))} that kernels move and ${launches(fewer)}, and ${gain}`;
  if (!relu) return [line];
  const alone = nsOf(relu);
  // Processes differ by some per cent of their time, wherever their data lies: without forks that would be taken for a difference of kernels.
  const isRepeated = [apart, fused, relu].every(({ ci_low_ns }) => ci_low_ns !== undefined);
  const agreement = !isRepeated
    ? 'one process of each does not tell whether that agrees'
    : highest(relu) < least
      ? 'more is saved than that'
      : lowest(relu) > most
        ? 'less is saved than that'
        : 'that agrees';
  const signed = (ns: number) => `${ns < 0 ? '-' : ''}${time(Math.abs(ns))}`;
  return [
    `${line}; a ReLU by itself takes ${time(alone)} for ${size(extraOf(relu, 'kernel_bytes'))}, ${digits(extraOf(relu, 'kernel_bytes') / alone)} GB/s: ${agreement} (saved: ${signed(least)} to ${signed(most)})`,
  ];
}

// filterGrad[k][u, v] = Σ over n, y, x of outputGrad[n, k, y, x] · input[n, c][y·stride + u·dilation − padding, x·..], a workgroup to a filter.
//
//   a thread takes every WG-th strip of TW windows:    g0 g1 g2 g3         of the output's gradient
//                                                      x0 x1 .. x5         of each of R lines of the input; sum[u, v] += g[j] · x[j·stride + v]
//
// Then a tree in workgroup memory adds the threads' sums up, tap by tap. SPLIT workgroups share a filter's strips; a second pass adds their sums up in order.

import { conv2dVariant } from '../../../correlation.ts';
import type { Entry, Plan, Source, Tunables } from '../../../kernel.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import { type Reach, windowReach, windowsOf } from '../../../problems/window.ts';
import { knobList } from '../../matmul/variant.ts';
import { argumentBlock, linearGrid, lines, parameters, WORKGROUP_NUMBER } from '../../wgsl.ts';
import { resultOf, storage } from '../product.ts';
import { sliceSumCode, sliceSumEntry, sliceSumPass } from '../slices.ts';

/** The windows whose taps the gradients are of. */
export const tapsReaches = ({ vertical, horizontal }: Conv2dProblem): { vertical: Reach; horizontal: Reach } => ({
  vertical: windowReach(vertical),
  horizontal: windowReach(horizontal),
});

const ENTRY: Entry = {
  buffers: [
    { name: 'image', access: 'read' },
    { name: 'grad', access: 'read' },
    { name: 'sums', access: 'write' },
  ],
  arguments: parameters(
    'i32',
    ...['workgroups', 'filters', 'channels', 'strips', 'share', 'across', 'size_y', 'size_x', 'positions_y', 'positions_x'],
  ),
};

export function tapsPlan(problem: Conv2dProblem, { TW, SPLIT }: Tunables): Plan {
  const { batch, filters, channels, vertical, horizontal } = problem;
  const [rows, columns] = [windowsOf(vertical), windowsOf(horizontal)];
  const across = Math.ceil(columns / TW);
  const strips = batch * rows * across;
  const workgroups = filters * SPLIT;
  const taps = {
    entry: 'taps',
    buffers: ['input', 'outputGrad', SPLIT === 1 ? 'filterGrad' : 'slices'],
    arguments: [workgroups, filters, channels, strips, Math.ceil(strips / SPLIT), across, vertical.size, horizontal.size, rows, columns],
    grid: linearGrid(workgroups),
  };
  if (SPLIT === 1) return { passes: [taps], workspace: {} };
  return { passes: [taps, sliceSumPass(problem)], workspace: { slices: 4 * SPLIT * resultOf(problem).elements } };
}

export function tapsSource(problem: Conv2dProblem, tunables: Tunables): Source {
  const { WG, TW, SPLIT } = tunables;
  const { vertical, horizontal } = tapsReaches(problem);
  const { taps: columns, step, tapStep } = horizontal;
  const taps = vertical.taps * columns;
  const shifts = [...new Set(Array.from({ length: TW * columns }, (_, n) => (n % TW) * step + Math.floor(n / TW) * tapStep))];
  const entry = ENTRY;
  const line = (u: number) => `    {
      let row = y * ${vertical.step} + ${u * vertical.tapStep - vertical.offset};
      let has_row = (row >= 0) & (row < args.size_y);
      let start = image_at + clamp(row, 0, args.size_y - 1) * args.size_x;
${lines(shifts.length, (d) => `      let x_${d} = select(0.0, image[start + at_${d}], has_row & (at_${d} == first_column + ${shifts[d]}));`)}
${lines(columns, (v) => lines(TW, (j) => `      sum_${u * columns + v} = fma(g_${j}, x_${shifts.indexOf(j * step + v * tapStep)}, sum_${u * columns + v});`))}
    }`;
  const code = `${entry.buffers.map(({ name, access }, binding) => storage(binding, name, access)).join('\n')}
${argumentBlock(entry.buffers.length, entry)}
var<workgroup> shared_sums: array<f32, ${WG * taps}>;

@compute @workgroup_size(${WG})
fn taps(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let number = i32(${WORKGROUP_NUMBER});
  if (number >= args.workgroups) { return; }
  let filter_at = number % args.filters;
  let channel = filter_at / (args.filters / args.channels);
  let first = number / args.filters * args.share;
  let last = min(first + args.share, args.strips);
${lines(taps, (t) => `  var sum_${t} = 0.0;`)}
  for (var strip = first + i32(lane); strip < last; strip += ${WG}) {
    let x = strip % args.across * ${TW};
    let y = strip / args.across % args.positions_y;
    let n = strip / args.across / args.positions_y;
    let grad_at = ((n * args.filters + filter_at) * args.positions_y + y) * args.positions_x;
    let image_at = (n * args.channels + channel) * args.size_y * args.size_x;
    let first_column = x * ${step} - ${horizontal.offset};
${lines(TW, (j) => `    let g_${j} = select(0.0, grad[grad_at + min(x + ${j}, args.positions_x - 1)], x + ${j} < args.positions_x);`)}
${lines(shifts.length, (d) => `    let at_${d} = clamp(first_column + ${shifts[d]}, 0, args.size_x - 1);`)}
${lines(vertical.taps, line)}
  }
${lines(taps, (t) => `  shared_sums[lane * ${taps} + ${t}] = sum_${t};`)}
  for (var half = ${WG / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    for (var i = lane; i < half * ${taps}; i += ${WG}) { shared_sums[i] += shared_sums[i + half * ${taps}]; }
  }
  workgroupBarrier();
  for (var t = i32(lane); t < ${taps}; t += ${WG}) { sums[number * ${taps} + t] = shared_sums[t]; }
}
${SPLIT > 1 ? sliceSumCode(problem, SPLIT) : ''}`;
  const label = `conv2d/depthwise/${conv2dVariant(problem)} ${knobList(tunables)}`;
  return { label, code, entries: { taps: entry, ...(SPLIT > 1 ? { sum_slices: sliceSumEntry(problem) } : {}) } };
}

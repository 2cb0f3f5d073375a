// result[plane, y, x] = Σ over q, u, v of image[..][reach(y, u), reach(x, v)] · weights[..][u, v], TH x TW neighbours to a thread.
//
//   line after line of the image that the block reaches:       x0 x1 x2 x3 x4 x5      each is loaded once, and added, times a weight, to every
//                                                              └─────────┘            element of the block that reaches it by a tap

import { conv2dVariant, correlationOf, epilogueOperands } from '../../../correlation.ts';
import type { Entry, Plan, Source, Tunables } from '../../../kernel.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import type { Reach } from '../../../problems/window.ts';
import { knobList } from '../../matmul/variant.ts';
import { argumentBlock, linearGrid, lines, parameters, WORKGROUP_NUMBER } from '../../wgsl.ts';
import { epilogueBuffers, finish, productOf, storage } from '../product.ts';

/** Element `i` of a block reaches element `shift`, counted from where the block starts in the image, by `tap`. */
interface Meeting {
  readonly i: number;
  readonly tap: number;
  readonly shift: number;
}

/** All meetings of a block of `size` along an axis. The block starts at a multiple of the divisor. */
const meetings = ({ taps, step, tapStep, offset, divisor }: Reach, size: number): Meeting[] =>
  Array.from({ length: size * taps }, (_, n) => ({ i: Math.floor(n / taps), tap: n % taps }))
    .map(({ i, tap }) => ({ i, tap, shift: (i * step + tap * tapStep - offset) / divisor }))
    .filter(({ shift }) => Number.isInteger(shift));

const shiftsOf = (list: readonly Meeting[]): number[] => [...new Set(list.map(({ shift }) => shift))].sort((a, b) => a - b);

/** Blocks in all planes of the result. */
export function blocksOf(problem: Conv2dProblem, { TH, TW }: Tunables): number {
  const { groups, rows, planes, vertical, horizontal } = productOf(problem);
  return groups * rows * planes * Math.ceil(vertical.positions / TH) * Math.ceil(horizontal.positions / TW);
}

const entryOf = (problem: Conv2dProblem): Entry => ({
  buffers: epilogueBuffers(problem, 'image', 'weights'),
  arguments: parameters(
    'i32',
    ...['blocks', 'across', 'down', 'channels', 'rows', 'depth', 'image_plane', 'image_group', 'image_q'],
    ...['weights_row', 'weights_group', 'weights_q', 'size_y', 'size_x', 'positions_y', 'positions_x'],
  ),
});

export function blockPlan(problem: Conv2dProblem, tunables: Tunables): Plan {
  const { groups, rows, q, image, weights, vertical, horizontal } = productOf(problem);
  const names = correlationOf(problem);
  const blocks = blocksOf(problem, tunables);
  const counts = [Math.ceil(horizontal.positions / tunables.TW), Math.ceil(vertical.positions / tunables.TH), groups * rows, rows, q];
  return {
    passes: [
      {
        entry: 'blocks',
        buffers: [names.image, names.weights, ...epilogueOperands(problem), names.result],
        arguments: [
          ...[blocks, ...counts, image.plane, image.group, image.q, weights.row, weights.group, weights.q],
          ...[vertical.extent, horizontal.extent, vertical.positions, horizontal.positions],
        ],
        grid: linearGrid(Math.ceil(blocks / tunables.WG)),
      },
    ],
    workspace: {},
  };
}

export function blockSource(problem: Conv2dProblem, tunables: Tunables): Source {
  const { WG, TH, TW } = tunables;
  const entry = entryOf(problem);
  const { vertical, horizontal } = productOf(problem);
  const [down, across] = [meetings(vertical, TH), meetings(horizontal, TW)];
  const columns = shiftsOf(across);
  const code = `${entry.buffers.map(({ name, access }, binding) => storage(binding, name, access)).join('\n')}
${argumentBlock(entry.buffers.length, entry)}
${finish(problem)}

@compute @workgroup_size(${WG})
fn blocks(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let number = i32((${WORKGROUP_NUMBER}) * ${WG} + lane);
  if (number >= args.blocks) { return; }
  let x = number % args.across * ${TW};
  let y = number / args.across % args.down * ${TH};
  let plane = number / args.across / args.down;
  let row = plane % args.channels;
  let g = row / args.rows;
  let first_column = x * ${horizontal.step} / ${horizontal.divisor};
  let first_row = y * ${vertical.step} / ${vertical.divisor};
${lines(columns.length, (c) => columnCode(c, columns[c]))}
${lines(TH * TW, (n) => `  var sum_${n} = 0.0;`)}
  for (var q = 0; q < args.depth; q++) {
    let image_at = plane / args.channels * args.image_plane + g * args.image_group + q * args.image_q;
    let weights_at = g * args.weights_group + row % args.rows * args.weights_row + q * args.weights_q;
${lines(vertical.taps * horizontal.taps, (t) => `    let w_${t} = weights[weights_at + ${t}];`)}
${shiftsOf(down)
  .map((shift, line) => lineCode(line, shift, { down, across, columns, TW, taps: horizontal.taps }))
  .join('\n')}
  }
  let start = (plane * args.positions_y + y) * args.positions_x + x;
${lines(TH * TW, (n) => storeCode(Math.floor(n / TW), n % TW, n))}
}
`;
  return { label: `conv2d/depthwise/${conv2dVariant(problem)} ${knobList(tunables)}`, code, entries: { blocks: entry } };
}

const columnCode = (c: number, shift: number): string => `  let column_${c} = first_column + ${shift};
  let at_${c} = clamp(column_${c}, 0, args.size_x - 1);`;

interface BlockShape {
  readonly down: readonly Meeting[];
  readonly across: readonly Meeting[];
  readonly columns: readonly number[];
  readonly TW: number;
  readonly taps: number;
}

/** One line of the image: its loads, and what it adds to the sums. */
function lineCode(line: number, shift: number, { down, across, columns, TW, taps }: BlockShape): string {
  const adds = down
    .filter((meeting) => meeting.shift === shift)
    .flatMap(({ i, tap: u }) =>
      across.map(({ i: j, tap: v, shift: column }) => {
        const sum = `sum_${i * TW + j}`;
        return `      ${sum} = fma(w_${u * taps + v}, x_${columns.indexOf(column)}, ${sum});`;
      }),
    );
  return `    {
      let line_${line} = first_row + ${shift};
      let has_line = (line_${line} >= 0) & (line_${line} < args.size_y);
      let start = image_at + clamp(line_${line}, 0, args.size_y - 1) * args.size_x;
${lines(columns.length, (c) => `      let x_${c} = select(0.0, image[start + at_${c}], has_line & (at_${c} == column_${c}));`)}
${adds.join('\n')}
    }`;
}

const storeCode = (i: number, j: number, n: number): string => `  if (y + ${i} < args.positions_y && x + ${j} < args.positions_x) {
    let element = start + ${i} * args.positions_x + ${j};
    result[element] = finished(sum_${n}, row, element);
  }`;

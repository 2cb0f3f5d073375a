// The passes of a Winograd convolution around its products: a thread transforms one tile of one channel, neighbours take neighbouring tiles, so that what
// they write to, or read from, the 16 matrices lies side by side.

import type { Entry } from '../../../kernel.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import { argumentBlock, linearGrid, lines, parameters, WORKGROUP_NUMBER } from '../../wgsl.ts';
import { epilogueBuffers, finish, storage } from '../product.ts';
import { imageTransform, loadTile, resultTransform, storeTile, tapsTransform } from './transforms.ts';

const THREADS = 64;

export const stageGrid = (threads: number) => linearGrid(Math.ceil(threads / THREADS));

/** A stage as an entry, with its code. */
export interface Stage {
  readonly entry: Entry;
  readonly code: string;
}

/** A stage with one thread for each `number` below the argument `threads`. Buffers go by their names in the whole module. */
function stage(name: string, entry: Entry, body: string): Stage {
  const buffers = entry.buffers.map(({ name: buffer, access }, binding) => storage(binding, buffer, access));
  const code = `
${buffers.join('\n')}
${argumentBlock(entry.buffers.length, entry, `of_${name}`)}

@compute @workgroup_size(${THREADS})
fn transform_${name}(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
let number = i32((${WORKGROUP_NUMBER}) * ${THREADS} + lane);
if (number >= of_${name}.threads) { return; }
${body}
}
`;
  return { entry, code };
}

const reads = (...names: string[]): Entry['buffers'] => names.map((name) => ({ name, access: 'read' }));
const writes = (name: string): Entry['buffers'][number] => ({ name, access: 'write' });

/** U from the filter, turned by half where taps go backwards: a thread for each (row of all groups, q). */
export function filterStage(isFlipped: boolean): Stage {
  const entry = {
    buffers: [...reads('loose'), writes('U')],
    arguments: parameters('i32', 'threads', 'rows', 'depth', 'filter_row', 'filter_group', 'filter_q'),
  };
  const tap = (u: number, v: number) => `loose[at + ${isFlipped ? 8 - 3 * u - v : 3 * u + v}]`;
  return stage(
    'filter',
    entry,
    `let q = number % of_filter.depth;
let row = number / of_filter.depth;
let at = row / of_filter.rows * of_filter.filter_group + row % of_filter.rows * of_filter.filter_row + q * of_filter.filter_q;
${lines(3, (u) => `let tap_${u} = vec3(${tap(u, 0)}, ${tap(u, 1)}, ${tap(u, 2)});`)}
${tapsTransform(3)}
${storeTile('U', 'number', 'of_filter.threads')}`,
  );
}

/** Arguments of a stage from planes of an image to tiles; `images` are those of the step. */
const PLANE_TO_TILES = parameters(
  'i32',
  ...['threads', 'pitch', 'first_image', 'images', 'across', 'down', 'image', 'channel', 'first_y', 'first_x', 'size_y', 'size_x'],
);

/** Where tile `number % pitch` of channel `number / pitch` lies. A tile beyond the last is all zeros. */
const tilePlace = (args: string): string => `let tile = number % ${args}.pitch;
let tile_x = tile % ${args}.across;
let tile_y = tile / ${args}.across % ${args}.down;
let of_step = tile / ${args}.across / ${args}.down;
let is_tile = of_step < ${args}.images;
let plane = (${args}.first_image + min(of_step, ${args}.images - 1)) * ${args}.image + number / ${args}.pitch * ${args}.channel;
let y = 2 * tile_y + ${args}.first_y;
let x = 2 * tile_x + ${args}.first_x;`;

/** Rows NAME_0, .. of a square of the plane, zero outside of it. */
function square(args: string, source: string, name: string, size: 2 | 4): string {
  const value = (u: number, v: number) =>
    `select(0.0, ${source}[row_${u} + clamp(x + ${v}, 0, ${args}.size_x - 1)], has_row_${u} & has_column_${v})`;
  return `${lines(size, (v) => `let has_column_${v} = (x + ${v} >= 0) & (x + ${v} < ${args}.size_x);`)}
${lines(size, (u) => {
  const row = `let row_${u} = plane + clamp(y + ${u}, 0, ${args}.size_y - 1) * ${args}.size_x;`;
  const has = `let has_row_${u} = is_tile & (y + ${u} >= 0) & (y + ${u} < ${args}.size_y);`;
  return `${row}\n${has}\nlet ${name}_${u} = vec${size}(${Array.from({ length: size }, (_, v) => value(u, v)).join(', ')});`;
})}`;
}

/** V from the image: a thread for each (channel of all groups, tile). */
export function imageStage(): Stage {
  const entry = { buffers: [...reads('image'), writes('V')], arguments: PLANE_TO_TILES };
  const body = [tilePlace('of_image'), square('of_image', 'image', 'patch', 4), imageTransform()];
  return stage('image', entry, [...body, storeTile('V', 'number', 'of_image.threads')].join('\n'));
}

/** The output's gradient as U of a filter's gradient: a thread for each (filter, tile). */
export function gradStage(): Stage {
  const entry = { buffers: [...reads('grad'), writes('U')], arguments: PLANE_TO_TILES };
  const body = [tilePlace('of_grad'), square('of_grad', 'grad', 'tap', 2), tapsTransform(2)];
  return stage('grad', entry, [...body, storeTile('U', 'number', 'of_grad.threads')].join('\n'));
}

/** The result from M: a thread for each (row of all groups, tile), which finishes and stores 2x2. */
export function resultStage(problem: Conv2dProblem): Stage {
  const buffers = epilogueBuffers(problem, 'M');
  const entry = {
    buffers,
    arguments: parameters('i32', 'threads', 'pitch', 'first_image', 'images', 'across', 'down', 'image', 'size_y', 'size_x'),
  };
  const args = 'of_result';
  const rows = loadTile('M', 'number', `${args}.threads`);
  const body = `let tile = number % ${args}.pitch;
let row = number / ${args}.pitch;
let x = tile % ${args}.across * 2;
let y = tile / ${args}.across % ${args}.down * 2;
let of_step = tile / ${args}.across / ${args}.down;
if (of_step >= ${args}.images) { return; }
${lines(4, (u) => `let sums_${u} = ${rows[u]};`)}
${resultTransform(2)}
let element = (${args}.first_image + of_step) * ${args}.image + (row * ${args}.size_y + y) * ${args}.size_x + x;
let has_column = x + 1 < ${args}.size_x;
result[element] = finished(made_0.x, row, element);
if (has_column) { result[element + 1] = finished(made_0.y, row, element + 1); }
if (y + 1 < ${args}.size_y) {
let below = element + ${args}.size_x;
result[below] = finished(made_1.x, row, below);
if (has_column) { result[below + 1] = finished(made_1.y, row, below + 1); }
}`;
  const { code } = stage('result', entry, body);
  return { entry, code: `${finish(problem)}\n${code}` };
}

/** The filter's gradient from the slots of M, added up in order: a thread for each (filter, channel of its group). */
export function filterGradStage(): Stage {
  const entry = { buffers: [...reads('M'), writes('grads')], arguments: parameters('i32', 'threads', 'slots') };
  const rows = loadTile('M', 'at', 'of_filter_grad.threads');
  return stage(
    'filter_grad',
    entry,
    `${lines(4, (u) => `var sums_${u} = vec4<f32>();`)}
for (var slot = 0; slot < of_filter_grad.slots; slot++) {
let at = slot * 16 * of_filter_grad.threads + number;
${lines(4, (u) => `sums_${u} += ${rows[u]};`)}
}
${resultTransform(3)}
${lines(9, (t) => `grads[9 * number + ${t}] = made_${Math.floor(t / 3)}.${'xyz'[t % 3]};`)}`,
  );
}

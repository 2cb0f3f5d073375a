// The products of a Winograd convolution: 16 matrices for each group, in register blocks.
//
//   forward, input-grad   M[e] = U[e] · V[e]       rows x channels times channels x tiles
//   filter-grad           M[e] = U[e] · V[e]ᵀ      filters x tiles times tiles x channels, tiles in slices with a slot of M each

import type { Entry, Pass, Tunables } from '../../../kernel.ts';
import { type MatmulProblem, matmul } from '../../../problem.ts';
import type { Conv2dProblem } from '../../../problems/conv2d.ts';
import { accumulate, storeBlock } from '../../matmul/block.ts';
import { tileCount, tilePlace } from '../../matmul/variant.ts';
import { linearGrid, parameters } from '../../wgsl.ts';
import { blockKnobs, productOperands } from '../blocks.ts';
import { tilingOf } from './tiles.ts';

export const multiplyEntry: Entry = {
  buffers: [
    { name: 'U', access: 'read' },
    { name: 'V', access: 'read' },
    { name: 'M', access: 'write' },
  ],
  arguments: parameters('u32', 'm', 'n', 'k', 'tiles', 'batch', 'slice', 'first_layer'),
};

/** The products of a step as a matmul. */
export function productsOf(problem: Conv2dProblem, { IMAGES }: Tunables): MatmulProblem {
  const { groups, rows, depth, pitch } = tilingOf(problem, IMAGES);
  return problem.pass === 'filter-grad'
    ? matmul({ batch: 16 * groups, m: rows, n: depth, k: pitch, transposeB: true })
    : matmul({ batch: 16 * groups, m: rows, n: pitch, k: depth });
}

/** WGSL of the entry `multiply`. */
export function multiplyCode(problem: Conv2dProblem, tunables: Tunables): string {
  const { WGX, WGY, TM, TN } = tunables;
  const knobs = blockKnobs(tunables);
  const { both, quads, code } = productOperands(productsOf(problem, tunables), tunables, multiplyEntry);
  const matrix = 'layer % args.batch';
  return `
${code}

@compute @workgroup_size(${WGX * WGY})
fn multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
${tilePlace(WGY * TM, WGX * TN, { A: matrix, B: matrix, C: 'args.first_layer + layer' })}
let first = min(layer / args.batch * args.slice, args.k);
let last = min(first + args.slice, args.k);
${accumulate(both, knobs, 'first', 'last')}
${storeBlock('C', 'f32', knobs, quads, (sum) => sum)}
}
`;
}

/** Workgroups of a step's products. */
export const productTiles = (problem: Conv2dProblem, tunables: Tunables): number =>
  tunables.SPLIT * tileCount(productsOf(problem, tunables), tunables.WGY * tunables.TM, tunables.WGX * tunables.TN);

/** The pass of a step, into the slots of M from `step` on. */
export function multiplyPass(problem: Conv2dProblem, tunables: Tunables, step: number): Pass {
  const { m, n, k, batch } = productsOf(problem, tunables);
  const tiles = productTiles(problem, tunables);
  // Slices of whole pieces keep quads together.
  const slice = Math.ceil(k / tunables.SPLIT / tunables.BK) * tunables.BK;
  const firstLayer = problem.pass === 'filter-grad' ? step * tunables.SPLIT * batch : 0;
  return {
    entry: 'multiply',
    buffers: ['U', 'V', 'M'],
    arguments: [m, n, k, tiles, batch, slice, firstLayer],
    grid: linearGrid(tiles),
  };
}

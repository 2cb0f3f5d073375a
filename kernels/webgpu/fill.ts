// Fill sets every word of a buffer to the same bits, for words other than zero, which the queue can clear by itself.

import type { Grid, Source } from '../kernel.ts';

const WORKGROUP = 64;
const WORDS_PER_THREAD = 16;
const ROW_OF_WORKGROUPS = 32768;

export const FILL_SOURCE: Source = {
  label: 'fill',
  code: `
@group(0) @binding(0) var<storage, read_write> target_words: array<u32>;
@group(0) @binding(1) var<uniform> arguments: vec4<u32>;

@compute @workgroup_size(${WORKGROUP})
fn fill(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let first = (group.y * ${ROW_OF_WORKGROUPS} + group.x) * ${WORKGROUP * WORDS_PER_THREAD} + thread;
  for (var i = 0u; i < ${WORDS_PER_THREAD}; i++) {
    let word = first + i * ${WORKGROUP};
    if (word < arrayLength(&target_words)) { target_words[word] = arguments.x; }
  }
}
`,
  entries: { fill: { buffers: [{ name: 'target', access: 'write' }], arguments: [{ name: 'word', type: 'u32' }] } },
};

export function fillGrid(bytes: number): Grid {
  const groups = Math.ceil(bytes / 4 / (WORKGROUP * WORDS_PER_THREAD));
  return [Math.min(groups, ROW_OF_WORKGROUPS), Math.ceil(groups / ROW_OF_WORKGROUPS), 1];
}

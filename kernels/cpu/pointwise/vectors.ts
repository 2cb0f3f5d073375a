// out[i] = expression(x0[i], x1[i], ..), eight elements at a time in two vectors side by side.
//
//   rows of the output:   |-8-|-8-|-8-|-8-|1|1|1|      inputs: flat, row: loaded;  scalar, repeat: splat before the loop;
//                                                      strided: gathered lane by lane
//
// Rows beyond the caches are walked in several places at once: each array is then several streams, and their prefetchers reach further than one. Many short
// rows to which the same row of an input is applied, such as a bias, are walked as one long row in which that input starts again and again.
//
// All loads and steps of both vectors come before their stores, in pairs: V8's revectorisation then fuses them into 256 bits. The last elements of a
// row go through the same steps one by one, so that an element's bits do not depend on where it lies. Rows are walked with an odometer of indices.

import { bytesPerElement } from '../../dtype.ts';
import { type Step, stepsOf } from '../../expression.ts';
import type { Kernel, Plan, Source, Traits, Tunables } from '../../kernel.ts';
import { loopShape, pointwiseCost, pointwiseFacts, pointwiseVariant } from '../../pointwise.ts';
import { accessOf, elementCount, type PointwiseProblem, pointwiseOperands } from '../../problems/pointwise.ts';
import { advance, assemble, f32x4, i32, if_, type Local, loopWhileBelow, min, repeat, set, task, v128 } from '../assembly.ts';
import { MAX_ARGUMENTS } from '../command.ts';
import { hoisted, SCRATCH, type Vector } from '../math.ts';
import { type Odometer, seek, step } from '../odometer.ts';
import { sharesOf } from '../shares.ts';
import { sharedBy, sharing, sharingConstraints, tasksOf } from '../threading.ts';
import { entryOf, hasStrides, isStrided, type Rate, ratesOf, sourcesOf } from './entry.ts';
import { constantLanes, constantsOfSteps, loadRepeated, loadRow, loadStrided, operate, store } from './lanes.ts';

export const vectors: Kernel<PointwiseProblem> = {
  name: 'vectors',
  op: 'pointwise',
  device: 'cpu',
  summary: 'two vectors of elements at a time through all steps of the expression',
  requires: ['simd'],
  tunables: { STREAMS: [1, 4, 2, 3], ...sharing(2, 1, 4, 8) },
  constraints: ['STREAMS == 1 or not strided', ...sharingConstraints(2)],
  deterministic: true,
  facts: (problem) => ({ ...pointwiseFacts(problem), strided: Number(isStrided(problem)) }),
  rejects: (problem) => {
    if ([problem, ...problem.inputs].some(({ dtype }) => dtype === 'f16')) return 'it stores no f16';
    const { buffers, arguments: parameters } = entryOf(problem);
    const words = buffers.length + parameters.length;
    return words > MAX_ARGUMENTS ? `its shapes and strides take ${words} words, more than ${MAX_ARGUMENTS}` : undefined;
  },
  // In a core's own caches one stream is as fast as several, and has less to set up.
  defaults: (problem, traits) => ({
    STREAMS: !isStrided(problem) && pointwiseCost(problem).bytes > traits.limits.l2Bytes ? 4 : 1,
    ...sharedBy(executedCost(problem), traits, 2),
  }),
  cost: pointwiseCost,
  estimate: (problem, { limits }) => {
    const { executedFlops, bytes } = pointwiseCost(problem);
    return 2e-6 + Math.max(bytes / 15e9, executedFlops / (10e9 * limits.threads));
  },
  variant: pointwiseVariant,
  generate,
  plan,
};

/** Elements of a line of 64 bytes. */
const LINE = 16;

/** One task: a block of rows, or a piece of one row. */
function generate(problem: PointwiseProblem, { STREAMS }: Tunables): Source {
  const steps = stepsOf(problem.expression);
  const sources = sourcesOf(problem);
  const rates = ratesOf(steps, sources);
  const outer = loopShape(problem).length - 1;
  const size = bytesPerElement(problem.dtype);
  const constants = constantsOfSteps(steps);
  const wraps = STREAMS > 1 && outer === 1 && rates.every((rate) => rate !== 'row') && !isStrided(problem);
  const locals = {
    row: i32,
    endRow: i32,
    first: i32,
    left: i32,
    count: i32,
    rest: i32,
    target: i32,
    index: [i32, outer],
    base: [i32, sources.length],
    at: [i32, sources.length],
    lines: i32,
    places: [i32, STREAMS * (sources.length + 1)],
    begin: i32,
    rowLines: i32,
    linesLeft: [i32, wraps ? STREAMS : 0],
    value: [v128, 2 * steps.length],
    constant: [v128, constants.size],
    scratch: [v128, SCRATCH],
  } as const;
  const elements = task(entryOf(problem), locals, (names, argument, scalar) => {
    const { task, row, endRow, first, left, count, rest, target, index, base, at, value, constant, scratch } = names;
    const { lines, places, begin, rowLines, linesLeft } = names;
    const { out, rows, columns, rowsPerTask, pieces, piece } = argument;
    /** By stream: the address in each source, and in the output. */
    const streams = Array.from({ length: STREAMS }, (_, s) => places.slice(s * (sources.length + 1), (s + 1) * (sources.length + 1)));
    const register = (step: number, half: number): Vector => value[2 * step + half];
    const byDimension = (name: string): Local[] => index.map((_, d) => argument[`${name}${d}`]);
    const odometer: Odometer = {
      index,
      sizes: byDimension('size'),
      walkers: sources.flatMap(({ access }, i) => (hasStrides(access) ? [{ at: base[i], strides: byDimension(`stride${i}_`) }] : [])),
    };
    start();
    hoist('task');
    hoisted(constants, constant, () => {
      if (wraps) walkRows();
      loopWhileBelow(row, endRow, 1, () => {
        sources.forEach((_, i) => set(at[i], base[i]));
        set(target, out);
        hoist('row');
        set(rest, count);
        if (STREAMS > 1) walkStreams();
        set(left, i32.shr_u(rest, 3));
        repeat(left, () => body(2, 4, at, target));
        set(left, i32.and(rest, 7));
        repeat(left, () => body(1, 1, at, target));
        nextRow();
      });
    });

    /** Sets the rows and columns of this task, and the addresses of their first elements. */
    function start() {
      set(row, i32.mul(i32.div_u(task, pieces), rowsPerTask));
      set(endRow, i32.add(row, rowsPerTask));
      min(endRow, endRow, rows);
      set(first, i32.mul(i32.rem_u(task, pieces), piece));
      set(count, i32.sub(columns, first));
      min(count, count, piece);
      set(target, i32.add(i32.mul(row, columns), first));
      sources.forEach(({ access, dtype, buffer }, i) => {
        set(base[i], i32.add(argument[buffer], argument[`offset${i}`]));
        if (access === 'flat') advance(base[i], i32.mul(target, bytesPerElement(dtype)));
        if (access === 'row') advance(base[i], i32.mul(first, bytesPerElement(dtype)));
        if (access === 'strided') advance(base[i], i32.mul(first, argument[`step${i}`]));
      });
      advance(out, i32.mul(target, size));
      seek(odometer, row, rest);
    }

    /** Loads and computes what changes only with the task or the row. */
    function hoist(rate: Rate) {
      steps.forEach((each, s) => {
        if (rates[s] !== rate) return;
        for (const half of [0, 1]) {
          const into = register(s, half);
          if (each.kind === 'input') loadRepeated(into, sources[each.value].dtype, base[each.value]);
          else if (each.kind === 'constant') set(into, constantLanes(each));
          else if (each.kind === 'scalar') set(into, f32x4.splat(scalar[`scalar${each.value}`]));
          else compute(each, into, half);
        }
      });
    }

    function compute(each: Step, into: Vector, half: number) {
      const operands = each.operands.map((operand) => register(operand, half));
      operate(each, into, operands, scratch);
    }

    /** Walks the row in STREAMS places at once, a line of each in turn, and leaves `rest` elements behind the last of them. */
    function walkStreams() {
      const addresses = [...at, target];
      const widths = [...sources.map(({ access, dtype }) => (access === 'flat' || access === 'row' ? bytesPerElement(dtype) : 0)), size];
      set(lines, i32.div_u(count, LINE * STREAMS));
      // An odd number of lines apart, streams do not meet in the sets of a cache.
      set(lines, i32.sub(lines, i32.eqz(i32.and(lines, 1))));
      i32.lt_s(0, lines);
      if_({}, () => {
        set(left, i32.mul(lines, LINE));
        set(rest, i32.sub(count, i32.mul(left, STREAMS)));
        widths.forEach((width, i) => {
          for (let s = 0; s < STREAMS; s++) set(streams[s][i], s === 0 ? addresses[i] : i32.add(streams[s - 1][i], i32.mul(left, width)));
        });
        repeat(lines, () => {
          for (const stream of streams) for (let done = 0; done < LINE; done += 8) body(2, 4, stream, stream[sources.length]);
        });
        addresses.forEach((address, i) => set(address, streams[STREAMS - 1][i]));
      });
    }

    /** Walks rows of whole lines as one, in STREAMS places at once, and leaves `row` behind the last that is done. */
    function walkRows() {
      i32.and(i32.eqz(i32.and(columns, LINE - 1)), i32.eq(pieces, 1));
      if_({}, () => {
        set(begin, row);
        set(rowLines, i32.div_u(columns, LINE));
        set(lines, i32.div_u(i32.mul(i32.sub(endRow, row), rowLines), STREAMS));
        set(lines, i32.sub(lines, i32.eqz(i32.and(lines, 1))));
        i32.lt_s(0, lines);
        if_({}, () => {
          set(rest, 0);
          streams.forEach((_, s) => startStream(s));
          repeat(lines, () => streams.forEach((_, s) => walkLine(s)));
          set(row, i32.add(begin, i32.div_u(rest, rowLines)));
          i32.rem_u(rest, rowLines);
          if_({}, () => endRowOf(STREAMS - 1));
          set(rest, i32.sub(row, begin));
          advance(out, i32.mul(rest, i32.mul(columns, size)));
          sources.forEach(({ access, dtype }, i) => {
            if (access === 'flat') advance(base[i], i32.mul(rest, i32.mul(columns, bytesPerElement(dtype))));
            if (access === 'row') advance(base[i], i32.mul(rest, argument[`stride${i}_0`]));
          });
          set(index[0], row);
        });
      });
    }

    /** Places a stream `rest` lines behind the first row, and moves `rest` on to the next stream. */
    function startStream(s: number) {
      const stream = streams[s];
      set(stream[sources.length], i32.add(out, i32.mul(rest, LINE * size)));
      sources.forEach(({ access, dtype }, i) => {
        const line = LINE * bytesPerElement(dtype);
        if (access === 'flat') set(stream[i], i32.add(base[i], i32.mul(rest, line)));
        if (access !== 'row') return;
        set(stream[i], i32.add(base[i], i32.mul(i32.div_u(rest, rowLines), argument[`stride${i}_0`])));
        advance(stream[i], i32.mul(i32.rem_u(rest, rowLines), line));
      });
      set(linesLeft[s], i32.sub(rowLines, i32.rem_u(rest, rowLines)));
      advance(rest, lines);
    }

    /** A line of a stream; at the end of its row, inputs of one row go to the next. */
    function walkLine(s: number) {
      const stream = streams[s];
      for (let done = 0; done < LINE; done += 8) body(2, 4, stream, stream[sources.length]);
      advance(linesLeft[s], -1);
      i32.eqz(linesLeft[s]);
      if_({}, () => {
        set(linesLeft[s], rowLines);
        sources.forEach(({ access, dtype }, i) => {
          if (access === 'row') advance(stream[i], i32.sub(argument[`stride${i}_0`], i32.mul(columns, bytesPerElement(dtype))));
        });
      });
    }

    /** Ends the row that a stream stands in. */
    function endRowOf(s: number) {
      const stream = streams[s];
      repeat(linesLeft[s], () => {
        for (let done = 0; done < LINE; done += 8) body(2, 4, stream, stream[sources.length]);
      });
      advance(row, 1);
    }

    /** `halves` vectors of `lanes` elements: load, compute, store. */
    function body(halves: 1 | 2, lanes: 1 | 4, at: readonly Local[], target: Local) {
      steps.forEach((each, s) => {
        if (rates[s] !== 'element') return;
        for (let half = 0; half < halves; half++) {
          const into = register(s, half);
          if (each.kind === 'input') load(each.value, into, half, lanes, at);
          else compute(each, into, half);
        }
      });
      for (let half = 0; half < halves; half++) set(scratch[half], register(steps.length - 1, half));
      for (let half = 0; half < halves; half++) store(scratch[half], problem.dtype, target, 4 * half * size, lanes);
      sources.forEach(({ access, dtype }, i) => {
        if (access === 'flat' || access === 'row') advance(at[i], halves * lanes * bytesPerElement(dtype));
        if (access === 'strided' && lanes === 1) advance(at[i], argument[`step${i}`]);
      });
      advance(target, halves * lanes * size);
    }

    function load(i: number, into: Vector, half: number, lanes: 1 | 4, at: readonly Local[]) {
      const { access, dtype } = sources[i];
      if (lanes === 1) loadRepeated(into, dtype, at[i]);
      else if (access === 'strided') loadStrided(into, dtype, at[i], argument[`step${i}`]);
      else loadRow(into, dtype, at[i], 4 * half * bytesPerElement(dtype));
    }

    /** Moves the addresses to the next row: flat ones by a row, the others by the odometer. */
    function nextRow() {
      advance(out, i32.mul(columns, size));
      sources.forEach(({ access, dtype }, i) => {
        if (access === 'flat') advance(base[i], i32.mul(columns, bytesPerElement(dtype)));
      });
      step(odometer);
    }
  });
  return assemble(`pointwise/vectors/${pointwiseVariant(problem)}`, { elements });
}

/** What is executed counts, where that is more than an expression's own operations. */
const executedCost = (problem: PointwiseProblem) => {
  const { executedFlops, bytes } = pointwiseCost(problem);
  return { flops: executedFlops, bytes };
};

function plan(problem: PointwiseProblem, tunables: Tunables, traits: Traits): Plan {
  const shape = loopShape(problem);
  const sizes = shape.slice(0, -1);
  const [rows, columns] = [elementCount(sizes), shape[shape.length - 1]];
  const shares = sharesOf(rows, columns, tasksOf(tunables, traits));
  const numbers = problem.inputs.flatMap(({ dtype, strides, offset }, i) => {
    const access = accessOf(problem, problem.inputs[i]);
    const element = bytesPerElement(dtype);
    const outer = hasStrides(access) ? strides.slice(0, -1).map((stride) => stride * element) : [];
    return [offset * element, ...outer, ...(access === 'strided' ? [strides[strides.length - 1] * element] : [])];
  });
  return {
    passes: [
      {
        entry: 'elements',
        buffers: Object.keys(pointwiseOperands(problem)),
        arguments: [rows, columns, shares.rowsPerTask, shares.pieces, shares.piece, ...sizes, ...numbers, ...problem.scalars],
        grid: [shares.tasks, 1, 1],
      },
    ],
    workspace: {},
  };
}

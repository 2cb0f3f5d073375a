// Assembly is how kernels write WebAssembly: wasmati's instructions, with named arguments and locals, counted loops and one shared memory.

import * as wasm from 'wasmati';
import type { Entry, Source } from '../kernel.ts';

type ValueType = 'i32' | 'i64' | 'f32' | 'v128';
type Type<T extends ValueType> = wasm.Type<T>;
export type Local<T extends ValueType = 'i32'> = wasm.Local<T>;
export type Value<T extends ValueType = 'i32'> = wasm.Input<T>;
type Declared = Type<ValueType> | readonly [Type<ValueType>, number];
type Locals<D extends Record<string, Declared>> = {
  [K in keyof D]: D[K] extends Type<infer T extends ValueType>
    ? Local<T>
    : D[K] extends readonly [Type<infer T extends ValueType>, number]
      ? Local<T>[]
      : never;
};
export type Routine = wasm.Func<[], []>;

/** Pages of 64 KiB: the most a 32-bit memory can have. */
export const MAX_PAGES = 65536;
/** A placeholder: modules import the device's memory at instantiation, and their bytes do not depend on it. */
const shared = wasm.importMemory(
  { min: 1, max: MAX_PAGES, shared: true },
  new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES, shared: true }),
);

/** What an instance of a generated module imports. */
export const importsFor = (shared: WebAssembly.Memory): WebAssembly.Imports => ({ '': { m0: shared } });

/** A function with named inputs and locals: `routine({ a: i32 }, { sum: [v128, 24] }, ({ a, sum }) => ...)`. */
export function routine<I extends Record<string, Type<ValueType>>, L extends Record<string, Declared>>(
  inputs: I,
  locals: L,
  body: (names: Locals<I> & Locals<L>) => void,
): Routine {
  const flat = Object.values(locals).flatMap((declared) =>
    'kind' in declared ? [declared] : Array<Type<ValueType>>(declared[1]).fill(declared[0]),
  );
  // wasmati wants tuples whose length the compiler knows; ours come from tunables.
  const signature = { in: Object.values(inputs), locals: flat, out: [] } as unknown as { in: []; locals: []; out: [] };
  return wasm.func(signature, (given: readonly unknown[], own: readonly unknown[]) => {
    const names: Record<string, unknown> = {};
    Object.keys(inputs).forEach((name, i) => {
      names[name] = given[i];
    });
    let next = 0;
    for (const [name, declared] of Object.entries(locals)) {
      const count = 'kind' in declared ? 1 : declared[1];
      names[name] = 'kind' in declared ? own[next] : own.slice(next, next + count);
      next += count;
    }
    body(names as Locals<I> & Locals<L>);
  }) as unknown as Routine;
}

export const { i32, f32, v128, f32x4, f64x2, i64x2, i32x4, i16x8, i8x16, local, drop, if_, br_if, block, loop } = wasm;
/** Apart from the others because its type has no name that a declaration file could use. */
export const memory: typeof wasm.memory = wasm.memory;

/** Calls a routine with its inputs in declared order. */
export const call = (target: Routine, inputs: readonly Value<ValueType>[]): void => {
  wasm.call(target, inputs as unknown as []);
};

/** `target = value`. */
export const set = <T extends ValueType>(target: Local<T>, value: Value<T>): void => {
  wasm.local.set(target as wasm.Local<'i32'>, value as wasm.Input<'i32'>);
};

/** `target += value`. */
export const advance = (target: Local, value: Value): void => set(target, i32.add(target, value));

/** `into += a · b`, four lanes: fused where the engine has relaxed SIMD, else multiplied, then added. */
export const multiplyAdd =
  (fused: boolean) =>
  (into: Local<'v128'>, a: Local<'v128'>, b: Local<'v128'>): void =>
    set(into, fused ? f32x4.relaxed_madd(a, b, into) : f32x4.add(f32x4.mul(a, b), into));
export type MultiplyAdd = ReturnType<typeof multiplyAdd>;

/** `for (; counter < end; counter += step) body()`, compared unsigned; `counter` starts as it is. */
export function loopWhileBelow(counter: Local, end: Value, step: number, body: () => void): void {
  block({}, () => {
    i32.ge_u(counter, end);
    br_if(0);
    loop({}, () => {
      body();
      advance(counter, step);
      i32.lt_u(counter, end);
      br_if(0);
    });
  });
}

/** Runs `body`, which lowers `count`, until it is 0; not at all where it starts at 0. */
export function untilZero(count: Local, body: () => void): void {
  block({}, () => {
    i32.eqz(count);
    br_if(0);
    loop({}, () => {
      body();
      local.get(count);
      br_if(0);
    });
  });
}

/** Runs `body` `count` times, counting `count` down to 0. */
export const repeat = (count: Local, body: () => void): void =>
  untilZero(count, () => {
    body();
    advance(count, -1);
  });

/** `target = min(a, b)`, unsigned. */
export const min = (target: Local, a: Local, b: Local | number): void => {
  set(target, a);
  i32.lt_u(b, a);
  if_({}, () => set(target, b));
};

/** An entry point of a module: `main(arguments' address, task, thread)`. */
export interface Task {
  readonly entry: Entry;
  readonly main: Routine;
}

/**
 * The body of an entry point. It gets its buffers' addresses and its arguments as locals by name, loaded from the block of words that the
 * device lays out (buffers first, then arguments), and the number of its task and of the thread that runs it.
 */
export function task<L extends Record<string, Declared>>(
  entry: Entry,
  locals: L,
  body: (
    names: Locals<L> & Record<'task' | 'thread', Local>,
    argument: Record<string, Local>,
    scalar: Record<string, Local<'f32'>>,
  ) => void,
): Task {
  const words = [...entry.buffers.map(({ name }) => ({ name, type: 'u32' })), ...entry.arguments];
  const integers = words.filter(({ type }) => type !== 'f32');
  const floats = words.filter(({ type }) => type === 'f32');
  const main = routine(
    { $address: i32, task: i32, thread: i32 },
    { ...locals, $integers: [i32, integers.length] as const, $floats: [f32, floats.length] as const },
    (names) => {
      const { $address, $integers, $floats } = names as unknown as { $address: Local; $integers: Local[]; $floats: Local<'f32'>[] };
      integers.forEach((word, i) => {
        set($integers[i], i32.load({ offset: 4 * words.indexOf(word) }, $address));
      });
      floats.forEach((word, i) => {
        set($floats[i], f32.load({ offset: 4 * words.indexOf(word) }, $address));
      });
      body(
        names as unknown as Locals<L> & Record<'task' | 'thread', Local>,
        Object.fromEntries(integers.map(({ name }, i) => [name, $integers[i]])),
        Object.fromEntries(floats.map(({ name }, i) => [name, $floats[i]])),
      );
    },
  );
  return { entry, main };
}

/** A module of the given entry points, as the source of a program. */
export function assemble(label: string, tasks: Readonly<Record<string, Task>>): Source {
  const exports = Object.fromEntries(Object.entries(tasks).map(([name, { main }]) => [name, main]));
  return {
    label,
    code: new Uint8Array(wasm.Module({ exports, memory: shared }).toBytes()),
    entries: Object.fromEntries(Object.entries(tasks).map(([name, { entry }]) => [name, entry])),
  };
}

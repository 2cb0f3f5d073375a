// A scope owns the tensors made while it is open, and frees them when it ends, except for those that it returns.
//
// An async function's scope stays open until it settles. Scopes therefore nest: two that overlap could not tell whose tensor is whose, and are refused.

/** What a scope owns. */
export interface Owned {
  dispose(): void;
}

class Scope {
  readonly owned = new Set<Owned>();
}

const open: Scope[] = [];

/** Puts something new into the innermost open scope; without one it lives until it is disposed. */
export function own(made: Owned): void {
  open.at(-1)?.owned.add(made);
}

/** Takes something out of every open scope: it is disposed already, or has another owner now. */
export function disown(thing: Owned): void {
  for (const scope of open) scope.owned.delete(thing);
}

/** Moves whatever a scope owns of a result, through arrays and plain objects, to the scope around it. */
function keep(result: unknown, owned: Set<Owned>): void {
  if (typeof result !== 'object' || result === null) return;
  if (owned.delete(result as Owned)) own(result as Owned);
  else if (Array.isArray(result)) for (const part of result) keep(part, owned);
  else if (Object.getPrototypeOf(result) === Object.prototype) for (const name in result) keep(result[name as never], owned);
}

/** Ends a scope: what `result` holds moves to the scope around it, the rest is freed. */
function end(scope: Scope, result: unknown): void {
  const place = open.indexOf(scope);
  const isLast = place === open.length - 1;
  open.splice(place, 1);
  if (!isLast) throw new Error('scope: a scope that was opened later is still open; await one scope before the next begins, or nest them');
  keep(result, scope.owned);
  for (const owned of scope.owned) owned.dispose();
}

/**
 * Runs `work` and frees the tensors made in it, except for those in its result (a tensor, or arrays and plain objects of them). Also where it throws.
 *
 * `work` may be async; then tensors are freed when its promise settles.
 */
export function scope<T>(work: () => T): T {
  const mine = new Scope();
  open.push(mine);
  let result: T;
  try {
    result = work();
  } catch (error) {
    end(mine, undefined);
    throw error;
  }
  if (!(result instanceof Promise)) {
    end(mine, result);
    return result;
  }
  return result.then(
    (value) => {
      end(mine, value);
      return value;
    },
    (error) => {
      end(mine, undefined);
      throw error;
    },
  ) as T;
}

// A constraint is an expression over names and whole numbers that says which tunables are allowed: 'MWG % (MDIMC * VWM) == 0'.
//
// The grammar is the part of Python that tuning tools exchange (FAIR T1, Kernel Tuner's restrictions), so that an expression travels as text:
//
//   or         := and ('or' and)*                      comparison := sum (('=='|'!='|'<='|'<'|'>='|'>') sum)*      chains as in Python
//   and        := not ('and' not)*                     sum        := product (('+'|'-') product)*
//   not        := 'not' not | comparison               product    := unary (('*'|'//'|'/'|'%') unary)*
//   unary      := '-' unary | power                    power      := atom ('**' unary)?
//   atom       := number | name | ('min'|'max'|'abs') '(' or (',' or)* ')' | '(' or ')' | 'True' | 'False'
//
// True is 1 and False is 0. `//` and `%` round towards minus infinity, as in Python.

export type Scope = Readonly<Record<string, number>>;

export interface Constraint {
  /** The expression as it was given. */
  readonly text: string;
  /** The names it reads, each once. */
  readonly names: readonly string[];
  /** The value over `scope`; a comparison gives 1 or 0. Throws a RangeError for a name that the scope lacks. */
  evaluate(scope: Scope): number;
}

type Evaluate = (scope: Scope) => number;

const COMPARISONS: Record<string, (a: number, b: number) => boolean> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<=': (a, b) => a <= b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '>': (a, b) => a > b,
};

const ARITHMETIC: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '//': (a, b) => Math.floor(a / b),
  '%': (a, b) => a - b * Math.floor(a / b),
};

const FUNCTIONS: Record<string, (...values: number[]) => number> = { min: Math.min, max: Math.max, abs: Math.abs };

const TOKEN = /\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|(\*\*|\/\/|==|!=|<=|>=|[-+*/%<>(),]))/y;

function tokens(text: string): string[] {
  const found: string[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match)
      throw new SyntaxError(`constraint '${text}': cannot read '${text.slice(at).trim()}'; expected a number, a name or an operator`);
    found.push(match[1] ?? match[2] ?? match[3]);
  }
  return found;
}

/** Reads an expression once; throws a SyntaxError that shows where it stops making sense. */
export function parseConstraint(text: string): Constraint {
  const list = tokens(text);
  const names = new Set<string>();
  let next = 0;

  const fail = (expected: string): never => {
    throw new SyntaxError(
      `constraint '${text}': expected ${expected} but found ${list[next] === undefined ? 'the end' : `'${list[next]}'`}`,
    );
  };
  const take = (token: string): boolean => list[next] === token && ++next > 0;
  const takeAny = (table: object): string | undefined => (Object.hasOwn(table, list[next] ?? '') ? list[next++] : undefined);

  function or(): Evaluate {
    const left = and();
    if (!take('or')) return left;
    const right = or();
    return (scope) => left(scope) || right(scope);
  }
  function and(): Evaluate {
    const left = not();
    if (!take('and')) return left;
    const right = and();
    return (scope) => left(scope) && right(scope);
  }
  function not(): Evaluate {
    if (!take('not')) return comparison();
    const operand = not();
    return (scope) => (operand(scope) ? 0 : 1);
  }
  function comparison(): Evaluate {
    const operands = [sum()];
    const operators: string[] = [];
    for (let operator = takeAny(COMPARISONS); operator; operator = takeAny(COMPARISONS)) {
      operators.push(operator);
      operands.push(sum());
    }
    if (operators.length === 0) return operands[0];
    return (scope) => {
      const values = operands.map((operand) => operand(scope));
      return operators.every((operator, i) => COMPARISONS[operator](values[i], values[i + 1])) ? 1 : 0;
    };
  }
  function leftToRight(operand: () => Evaluate, operators: readonly string[]): Evaluate {
    let left = operand();
    while (operators.includes(list[next])) {
      const apply = ARITHMETIC[list[next++]];
      const [first, second] = [left, operand()];
      left = (scope) => apply(first(scope), second(scope));
    }
    return left;
  }
  const sum = () => leftToRight(product, ['+', '-']);
  const product = () => leftToRight(unary, ['*', '//', '/', '%']);
  function unary(): Evaluate {
    if (!take('-')) return power();
    const operand = unary();
    return (scope) => -operand(scope);
  }
  function power(): Evaluate {
    const base = atom();
    if (!take('**')) return base;
    const exponent = unary();
    return (scope) => base(scope) ** exponent(scope);
  }
  function atom(): Evaluate {
    const token = list[next++];
    if (token === '(') {
      const inner = or();
      if (!take(')')) fail("')'");
      return inner;
    }
    if (token === 'True' || token === 'False') return () => (token === 'True' ? 1 : 0);
    if (token !== undefined && /^\d/.test(token)) return () => Number(token);
    if (token !== undefined && /^[A-Za-z_]/.test(token) && !['and', 'or', 'not'].includes(token)) {
      if (list[next] === '(') return call(token);
      names.add(token);
      return (scope) => {
        const value = scope[token];
        if (value === undefined) throw new RangeError(`constraint '${text}': nothing is known of '${token}'`);
        return value;
      };
    }
    next--;
    return fail('a number, a name or an opening parenthesis');
  }
  function call(name: string): Evaluate {
    const apply = FUNCTIONS[name];
    if (!apply)
      throw new SyntaxError(`constraint '${text}': there is no function '${name}'; there are ${Object.keys(FUNCTIONS).join(', ')}`);
    next++;
    const operands = [or()];
    while (take(',')) operands.push(or());
    if (!take(')')) fail("')'");
    return (scope) => apply(...operands.map((operand) => operand(scope)));
  }

  const evaluate = or();
  if (next < list.length) fail('the end');
  return { text, names: [...names], evaluate };
}

/** The expression as Python source. The grammar is a part of Python, so only blanks change. */
export const toPython = (constraint: Constraint): string =>
  tokens(constraint.text).join(' ').replaceAll('( ', '(').replaceAll(' )', ')').replaceAll(' ,', ',');

/** The first of `constraints` that does not hold over `scope`, or undefined if all do. */
export function firstViolated(constraints: readonly string[], scope: Scope): string | undefined {
  return constraints.find((text) => !cached(text).evaluate(scope));
}

const parsed = new Map<string, Constraint>();
function cached(text: string): Constraint {
  let constraint = parsed.get(text);
  if (!constraint) parsed.set(text, (constraint = parseConstraint(text)));
  return constraint;
}

/**
 * Every configuration of `space` that meets the constraints, in the order of the values as declared, the first name varying slowest.
 *
 * `constants` are the names that are fixed: limits and facts. Each constraint is tested as soon as its last name has a value, so that whole branches
 * fall away. A name that neither the space nor the constants know throws a RangeError.
 */
export function* configurations(
  space: Readonly<Record<string, readonly number[]>>,
  constraints: readonly string[],
  constants: Scope = {},
): Generator<Record<string, number>> {
  const names = Object.keys(space);
  const due: Constraint[][] = Array.from({ length: names.length + 1 }, () => []);
  for (const text of constraints) {
    const constraint = cached(text);
    const unknown = constraint.names.find((name) => !(name in space) && !(name in constants));
    if (unknown) throw new RangeError(`constraint '${text}': nothing is known of '${unknown}'`);
    due[Math.max(0, ...constraint.names.map((name) => names.indexOf(name) + 1))].push(constraint);
  }
  const scope: Record<string, number> = { ...constants };
  const holds = (constraint: Constraint) => constraint.evaluate(scope) !== 0;
  if (!due[0].every(holds)) return;

  function* choose(depth: number): Generator<Record<string, number>> {
    if (depth === names.length) {
      yield Object.fromEntries(names.map((name) => [name, scope[name]]));
      return;
    }
    for (const value of space[names[depth]]) {
      scope[names[depth]] = value;
      if (due[depth + 1].every(holds)) yield* choose(depth + 1);
    }
  }
  yield* choose(0);
}

// A filter chooses rows by an expression over the columns of the results: device==cpu && gflops>10 || kernel==naive
//
//   or   := and ('||' and)*          term := '(' or ')' | '!' term | column operator value
//   and  := term ('&&' term)*        operator := '==' | '!=' | '<=' | '<' | '>=' | '>'
//
// A value is a number, or text with or without quotes in which `*` stands for anything: case==*/64x*. Text knows == and != only.
// An empty column answers neither yes nor no, so that a plan can keep the rows that only measuring will decide.

export type FilterRow = Readonly<Record<string, string | number | boolean | undefined>>;

/** True or false where the row's columns decide, undefined where a column that matters is empty. */
export type Verdict = boolean | undefined;

export interface Filter {
  readonly text: string;
  /** The columns it reads, each once. */
  readonly columns: readonly string[];
  test(row: FilterRow): Verdict;
}

type Test = (row: FilterRow) => Verdict;

const TOKEN = /\s*(?:(&&|\|\||==|!=|<=|>=|[!<>()])|"([^"]*)"|'([^']*)'|([^\s()!=<>&|"']+))/y;

const ORDERS: Record<string, (a: number, b: number) => boolean> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

interface Token {
  readonly text: string;
  /** False for operators and brackets. */
  readonly word: boolean;
}

function tokens(text: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match)
      throw new SyntaxError(`filter '${text}': cannot read '${text.slice(at).trim()}'; expected a column, an operator or a value`);
    found.push({ text: match[1] ?? match[2] ?? match[3] ?? match[4], word: match[1] === undefined });
  }
  return found;
}

/** Reads a filter; throws a SyntaxError that shows where it stops making sense. */
export function parseFilter(text: string): Filter {
  const list = tokens(text);
  const columns = new Set<string>();
  let next = 0;

  const fail = (expected: string): never => {
    throw new SyntaxError(`filter '${text}': expected ${expected} but found ${list[next] ? `'${list[next].text}'` : 'the end'}`);
  };
  const take = (operator: string): boolean => !list[next]?.word && list[next]?.text === operator && ++next > 0;
  const word = (expected: string): string => (list[next]?.word ? list[next++].text : fail(expected));

  function or(): Test {
    let left = and();
    while (take('||')) {
      const [first, second] = [left, and()];
      left = (row) => either(first(row), second(row));
    }
    return left;
  }
  function and(): Test {
    let left = term();
    while (take('&&')) {
      const [first, second] = [left, term()];
      left = (row) => not(either(not(first(row)), not(second(row))));
    }
    return left;
  }
  function term(): Test {
    if (take('!')) {
      const inner = term();
      return (row) => not(inner(row));
    }
    if (!take('(')) return comparison();
    const inner = or();
    if (!take(')')) fail("')'");
    return inner;
  }
  function comparison(): Test {
    const column = word('a column');
    const operator = ['==', '!=', ...Object.keys(ORDERS)].find((symbol) => take(symbol)) ?? fail('==, !=, <, <=, > or >=');
    const value = word('a value');
    columns.add(column);
    if (operator === '==' || operator === '!=') return equality(column, value, operator === '==');
    if (Number.isNaN(Number(value))) throw new SyntaxError(`filter '${text}': ${operator} compares numbers, but '${value}' is none`);
    return (row) => (typeof row[column] === 'number' ? ORDERS[operator](row[column], Number(value)) : undefined);
  }

  const test = or();
  if (next < list.length) fail('the end');
  return { text, columns: [...columns], test };
}

const not = (verdict: Verdict): Verdict => (verdict === undefined ? undefined : !verdict);
const either = (a: Verdict, b: Verdict): Verdict => (a || b ? true : a === undefined || b === undefined ? undefined : false);

function equality(column: string, value: string, wanted: boolean): Test {
  const pattern = new RegExp(`^${value.replaceAll(/[.*+?^${}()|[\]\\]/g, (sign) => (sign === '*' ? '.*' : `\\${sign}`))}$`, 's');
  return (row) => {
    const cell = row[column];
    if (cell === undefined || cell === '') return undefined;
    return (typeof cell === 'number' && value.trim() !== '' ? cell === Number(value) : pattern.test(String(cell))) === wanted;
  };
}

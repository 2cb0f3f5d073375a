// A strict reader of CSV after RFC 4180, for files that other programs write and for our own after a crash. Writing is csv-stringify's, in reports/.
//
//   file   = record *(line-end record) [line-end]        line-end = CRLF or LF, either, also mixed
//   record = field *("," field)
//   field  = *(anything but comma, quote, line end)  |  quote *(anything; a quote is doubled) quote
//
// A byte order mark at the front is not part of the first field. What the grammar does not allow is an error with its line, never a guess.

/** A record with the place where it stands: lines and offsets count from 1 and 0. */
export interface CsvRecord {
  readonly fields: readonly string[];
  readonly line: number;
  /** Offset in the text just after the record's line end. */
  readonly end: number;
  /** False for a last record whose line end is missing: it may have been cut off. */
  readonly ended: boolean;
}

/** A row by column name, and the line it starts on. */
export interface CsvRow {
  readonly line: number;
  readonly values: Readonly<Record<string, string>>;
}

/** A file that is not CSV, or not the CSV expected. The message names the line. */
export class CsvError extends Error {
  override readonly name = 'CsvError';
  readonly line: number;
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
    this.line = line;
  }
}

const BYTE_ORDER_MARK = '\ufeff';
const SPECIAL = /[",\r\n]/g;

/** The records of `text` in order. Throws a CsvError where the text breaks the grammar; records before that have been yielded. */
export function* csvRecords(text: string): Generator<CsvRecord> {
  let at = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  let line = 1;

  function quoted(): string {
    const opened = line;
    let value = '';
    for (at++; ; ) {
      const quote = text.indexOf('"', at);
      if (quote < 0) throw new CsvError(opened, 'a quoted field is never closed');
      value += text.slice(at, quote);
      at = quote + 1;
      if (text[at] !== '"') break;
      value += '"';
      at++;
    }
    line += value.split('\n').length - 1;
    if (at < text.length && !',\r\n'.includes(text[at]))
      throw new CsvError(line, `'${text[at]}' follows a closing quote; expected a comma or the end of the line`);
    return value;
  }

  function plain(): string {
    SPECIAL.lastIndex = at;
    const end = SPECIAL.exec(text)?.index ?? text.length;
    if (text[end] === '"')
      throw new CsvError(line, 'a quote inside a field that does not start with one; quote the whole field and double it');
    const value = text.slice(at, end);
    at = end;
    return value;
  }

  while (at < text.length) {
    const start = line;
    const fields: string[] = [];
    do fields.push(text[at] === '"' ? quoted() : plain());
    while (text[at] === ',' && ++at);
    if (text[at] === '\r' && text[at + 1] !== '\n') throw new CsvError(line, 'a carriage return without a line feed');
    const ended = at < text.length;
    if (ended) at += text[at] === '\r' ? 2 : 1;
    line++;
    yield { fields, line: start, end: at, ended };
  }
}

/** The rows of a table with a header line. Blank lines are passed over. Throws a CsvError for damage, repeated names and rows of another width. */
export function readCsv(text: string): { columns: readonly string[]; rows: CsvRow[] } {
  const [header, ...records] = [...csvRecords(text)].filter(({ fields }) => fields.length > 1 || fields[0] !== '');
  if (!header) throw new CsvError(1, 'the file is empty; expected a header line');
  const columns = header.fields;
  const repeated = columns.find((name, i) => columns.indexOf(name) !== i);
  if (repeated !== undefined) throw new CsvError(header.line, `the column '${repeated}' appears twice`);
  const rows = records.map(({ fields, line }) => {
    if (fields.length !== columns.length)
      throw new CsvError(line, `found ${fields.length} fields, expected ${columns.length} (${columns.join(', ')})`);
    return { line, values: Object.fromEntries(columns.map((name, i) => [name, fields[i]])) };
  });
  return { columns, rows };
}

/** The length of the part of `text` that is whole records, each with its line end: where a file whose writer died is to be cut. */
export function wholeLength(text: string): number {
  let whole = 0;
  try {
    for (const record of csvRecords(text)) if (record.ended) whole = record.end;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
  }
  return whole;
}

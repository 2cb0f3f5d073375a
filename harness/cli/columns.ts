// A plain table: cells in columns as wide as their widest, a header line on top.

export interface ColumnStyle {
  readonly colour?: boolean;
}

/** Lines of the table, ending with a line end. The first row is the header, bold where there is colour. */
export function columns(rows: readonly (readonly string[])[], { colour = false }: ColumnStyle = {}): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]))
      .join('  ')
      .trimEnd(),
  );
  return `${[colour ? `\x1b[1m${lines[0]}\x1b[0m` : lines[0], ...lines.slice(1)].join('\n')}\n`;
}

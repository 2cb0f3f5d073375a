// Names that a mistyped one may have meant.

/** Edits (insert, delete, replace) that turn `a` into `b`; Levenshtein 1966, one row at a time. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}

/** Up to three of `names`, nearest first: those within a third of the letters, and those that begin alike. */
export function nearest(name: string, names: readonly string[]): string[] {
  const wanted = name.toLowerCase();
  return names
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate.toLowerCase()) }))
    .filter(
      ({ candidate, distance }) =>
        distance <= Math.max(2, Math.ceil(wanted.length / 3)) || (wanted !== '' && candidate.toLowerCase().startsWith(wanted)),
    )
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** `unknown kernel 'nave'; did you mean naive? There are naive, packed` */
export function unknownName(what: string, name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  const question = near.length > 0 ? `did you mean ${near.join(' or ')}? ` : '';
  return `unknown ${what} '${name}'; ${question}${question ? 'There' : 'there'} are ${names.join(', ') || 'none'}`;
}

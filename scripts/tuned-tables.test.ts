import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseTable } from '../kernels/tuned/file.ts';
import { DATA, isCurrent, rawEntries, shippedFiles } from './tuned-tables.ts';

test('the shipped tables are what their raw results come to', () => {
  const files = shippedFiles();
  assert.equal(readdirSync(DATA).sort(), [...files.keys()].sort());
  const remedy = 'run node scripts/tuned-tables.ts: an entry whose kernel generates other code now is left out until it is tuned again';
  for (const [name, text] of files) assert.is(readFileSync(join(DATA, name), 'utf8'), text, `${name}: ${remedy}`);
});

test('a raw table is read as it was written, and a change of the code is seen', () => {
  for (const [name, entries] of rawEntries()) {
    assert.ok(entries.length > 0, name);
    assert.not(isCurrent({ ...entries[0], code: '0123456789abcdef' }));
  }
  for (const name of readdirSync(DATA).filter((each) => each.endsWith('.json')))
    assert.ok(parseTable(readFileSync(join(DATA, name), 'utf8'), name).entries.every(isCurrent), name);
});

test.run();

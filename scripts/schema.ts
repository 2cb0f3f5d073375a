// Writes reports/results.schema.json from reports/schema.ts. Run after changing the schema: node scripts/schema.ts

import { writeFileSync } from 'node:fs';
import { resultsJsonSchema } from '../reports/schema.ts';

writeFileSync(new URL('../reports/results.schema.json', import.meta.url), `${JSON.stringify(resultsJsonSchema(), undefined, 2)}\n`);

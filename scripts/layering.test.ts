import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fault, importsOf, layeringFaults } from './layering.ts';

const faults = (from: string, text: string) => importsOf(from, text).map(fault).filter(Boolean);

test('the house stands: no import crosses a layer', () => assert.equal(layeringFaults(), []));

test('imports are read however they are written', () => {
  const text = [
    "import a from './a.ts';",
    "import type { B } from './b.ts';",
    'import {',
    '  c,',
    "} from './c.ts';",
    "import './d.ts';",
    "export * from './e.ts';",
    "const f = await import('./f.ts');",
    "// import g from './g.ts';",
    "/* import h from './h.ts'; */ const text = 'export';",
  ].join('\n');
  assert.equal(
    importsOf('kernels/x.ts', text).map(({ specifier, line, typeOnly, dynamic }) => [specifier, line, typeOnly, dynamic]),
    [
      ['./a.ts', 1, false, false],
      ['./b.ts', 2, true, false],
      ['./c.ts', 3, false, false],
      ['./d.ts', 6, false, false],
      ['./e.ts', 7, false, false],
      ['./f.ts', 8, false, true],
    ],
  );
});

test('an import against the layering is caught, with its line', () => {
  assert.match(
    faults('kernels/kernel.ts', "\nimport { x } from '../harness/run.ts';")[0]!,
    /^kernels\/kernel\.ts:2: .*may not import harness/,
  );
  assert.is(faults('kernels/cpu/packed.ts', "import { x } from '../webgpu/device.ts';").length, 1);
  assert.is(faults('harness/run.ts', "import { x } from '../reports/csv.ts';").length, 1);
  assert.is(faults('harness/run.ts', "import { x } from '../framework/data/loader.ts';").length, 1);
  assert.is(faults('suites/matmul.ts', "import { run } from '../harness/run.ts';").length, 1);
  assert.is(faults('reports/csv.ts', "import { run } from '../harness/run.ts';").length, 1);
  assert.match(faults('elsewhere/x.ts', "import '../kernels/kernel.ts';")[0]!, /in no area/);
  assert.match(faults('harness/suite.ts', "import { run } from './run.ts';")[0]!, /module of words/);
});

test('types cross where values may not', () => {
  assert.equal(faults('reports/csv.ts', "import type { Run } from '../harness/run.ts';"), []);
  assert.equal(faults('suites/matmul.ts', "import { UsageError } from '../harness/suite.ts';"), []);
  assert.equal(faults('harness/cli/main.ts', "import '../../reports/csv.ts'; import '../../suites/catalog.ts';"), []);
});

test('a package has its place', () => {
  assert.equal(faults('reports/csv.ts', "import { stringify } from 'csv-stringify/sync';"), []);
  assert.match(faults('reports/table.ts', "import { stringify } from 'csv-stringify/sync';")[0]!, /lives in reports\/csv\.ts/);
  assert.match(faults('harness/run.ts', "import _ from 'lodash';")[0]!, /lodash has no place yet/);
  assert.match(faults('harness/run.ts', "import { test } from 'uvu';")[0]!, /for \*\.test\.ts/);
});

test('what a browser loads keeps clear of Node', () => {
  assert.is(faults('kernels/webgpu/device.ts', "import { readFileSync } from 'node:fs';").length, 1);
  assert.is(faults('kernels/webgpu/provider.ts', "import { softwareDriver } from './software.ts';").length, 1);
  assert.equal(faults('kernels/webgpu/provider.ts', "const { softwareDriver } = await import('./software.ts');"), []);
  assert.equal(faults('kernels/cpu/crew.ts', "import { readFileSync } from 'node:fs';"), []);
});

test.run();

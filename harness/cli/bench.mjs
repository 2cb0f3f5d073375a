#!/usr/bin/env node
import module from 'node:module';

const installed = import.meta.url.includes('/node_modules/');
if (Number.parseInt(process.versions.node, 10) >= 24) {
  module.enableCompileCache();
  const { bench } = await import(installed ? '../../dist/harness/cli/main.js' : './main.ts');
  process.exitCode = await bench(process.argv.slice(2));
} else {
  console.error(`bench: Node ${process.version} is too old; Node 24 or later is needed (in a clone, npm ci brings it for npx bench)`);
  process.exitCode = 2;
}

#!/usr/bin/env node
// The command `bench`: checks the version of Node, then TypeScript in a clone and JavaScript where the package is installed.
const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(`bench: Node ${process.version} is too old; Node 24 or later is needed (in a clone, npm ci brings it for npx bench)`);
  process.exit(2);
}
const main = import.meta.url.includes('/node_modules/') ? '../../dist/harness/cli/main.js' : './main.ts';
const { bench } = await import(main);
process.exitCode = await bench(process.argv.slice(2));

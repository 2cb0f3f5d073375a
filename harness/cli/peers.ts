// `bench peers`: the optional libraries that can be compared with, and how to bring them.
import { EXIT, type ExitCode } from './exit.ts';

export async function peerListings(): Promise<{ name: string; state: string }[]> {
  return [];
}
export async function listPeers(): Promise<ExitCode> {
  for (const { name, state } of await peerListings()) process.stdout.write(`${name.padEnd(20)} ${state}\n`);
  return EXIT.passed;
}
export async function installPeers(_names: readonly string[]): Promise<ExitCode> {
  return EXIT.passed;
}

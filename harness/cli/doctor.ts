import { EXIT, type ExitCode } from './exit.ts';
export async function doctor(): Promise<ExitCode> {
  return EXIT.passed;
}

// PyTorch: the system's Python with the package torch, in one child process that is driven over pipes and times itself (torch-child.py).

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { shapesOf } from '../../framework/exact/training.ts';
import { inputShapes, symmetricOnly } from './conv.ts';
import { gemmRefusal } from './gemm.ts';
import { type Inputs, type Peer, type PeerCase, PeerError, type PeerRun } from './peer.ts';
import { Pipe } from './pipe.ts';

/** A reference BLAS, plain loops, made 6 GFLOP/s of a 1024 matmul where an optimised one made 90 on one core. */
const LEAST_GFLOPS = 12;

const PILLOW = 'apt-get install python3-pil';
const INSTALL = 'apt-get install python3-torch libopenblas0-pthread';

/** Idle threads of OpenBLAS and OpenMP spin for about a millisecond instead of a hundred, so that a parked arm does not disturb the others. */
const SHORT_SPINS = { OPENBLAS_THREAD_TIMEOUT: '20', GOMP_SPINCOUNT: '100000' };

let python: string | undefined;

/** The first Python that has the module torch. Only looks for it: importing it takes seconds. */
function findPython(): string | undefined {
  const probe = "import importlib.util as u; raise SystemExit(u.find_spec('torch') is None)";
  const candidates = [process.env.TILEBENCH_PYTHON, 'python3', '/usr/bin/python3', 'python'].filter((name) => name !== undefined);
  python ??= candidates.find((name) => spawnSync(name, ['-c', probe], { stdio: 'ignore' }).status === 0);
  return python;
}

let hasPillow: boolean | undefined;

/** Whether that Python has Pillow, which the loader of pictures needs. */
function findPillow(): boolean {
  const probe = "import importlib.util as u; raise SystemExit(u.find_spec('PIL') is None)";
  const command = findPython();
  hasPillow ??= command !== undefined && spawnSync(command, ['-c', probe], { stdio: 'ignore' }).status === 0;
  return hasPillow;
}

/** A case as the child knows it, with the shapes of its operands where those do not follow from the problem's own fields. */
function described(asked: PeerCase) {
  if (asked.kind === 'conv') return { ...asked, shapes: inputShapes(asked) };
  return asked.kind === 'train-step' ? { ...asked, shapes: shapesOf(asked.training) } : asked;
}

function refusal(asked: PeerCase): string | undefined {
  if (asked.kind === 'train-step' || asked.kind === 'model') return undefined;
  if (asked.kind === 'loader') return findPillow() ? undefined : `it loads no pictures without Pillow; run: ${PILLOW}`;
  return asked.kind === 'conv' ? symmetricOnly(asked) : gemmRefusal(asked);
}

async function prepare(pipe: Pipe, asked: PeerCase, inputs: Inputs): Promise<PeerRun> {
  const sizes = Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, values.length]));
  await pipe.ask({ verb: 'prepare', ...described(asked), sizes }, Object.values(inputs));
  const time = async (iterations: number) => Number((await pipe.ask({ verb: 'run', iterations })).header.ns);
  return {
    run: async () => void (await time(1)),
    time,
    read: async () => new Float32Array((await pipe.ask({ verb: 'read' })).payload.buffer),
    close: () => undefined,
  };
}

export const torch: Peer = {
  name: 'torch',
  device: 'cpu',
  threaded: true,
  summary: "PyTorch of the system's Python, timed in its own process",
  needs: { npm: {}, system: { name: 'a Python with torch', command: INSTALL, find: findPython } },
  supports: refusal,
  async open(_place, { threads }) {
    const command = findPython();
    if (!command) throw new PeerError(`torch: no Python with torch was found; run: ${INSTALL}`);
    const count = String(threads);
    const env = { ...SHORT_SPINS, ...process.env, OMP_NUM_THREADS: count, OPENBLAS_NUM_THREADS: count, MKL_NUM_THREADS: count };
    const pipe = new Pipe(command, [fileURLToPath(new URL('./torch-child.py', import.meta.url))], env);
    const { header } = await pipe.ask({ verb: 'open', threads });
    const { versions, gflops } = header as { versions: Record<string, string>; gflops: number };
    if (gflops < LEAST_GFLOPS) {
      pipe.close();
      throw new PeerError(
        `torch: its 1024x1024x1024 matmul makes ${gflops.toFixed(1)} GFLOP/s on ${threads} threads, expected at least ${LEAST_GFLOPS}: ` +
          'it runs on a reference BLAS, which nobody should be compared with; run: apt-get install libopenblas0-pthread',
      );
    }
    return {
      versions: () => ({ ...versions, 'matmul 1024 GFLOP/s': gflops.toFixed(1) }),
      prepare: (asked, inputs) => prepare(pipe, asked, inputs),
      close: () => pipe.close(),
    };
  },
};

// OpenBLAS: the system's library, called in this process through koffi's foreign functions. The bar for a CPU's matmul.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { matmulOperands } from '../../kernels/problem.ts';
import { asMatmul, gemmRefusal } from './gemm.ts';
import { type Peer, PeerError } from './peer.ts';

/** Enumerations of cblas.h. */
const ROW_MAJOR = 101;
const NO_TRANSPOSE = 111;
const TRANSPOSE = 112;

const FOLDERS = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/usr/local/lib',
  '/opt/homebrew/opt/openblas/lib',
  '/usr/local/opt/openblas/lib',
];
const NAME = /^libopenblas(p)?(\.so(\.0)?|\.dylib)$/;

/** The library's path, under the names that distributions give it. Threads are its own (pthread) or OpenMP's. */
function findLibrary(): string | undefined {
  for (const folder of FOLDERS.flatMap((folder) => [folder, join(folder, 'openblas-pthread'), join(folder, 'openblas-openmp')])) {
    const name = existsSync(folder) && readdirSync(folder).find((file) => NAME.test(file));
    if (name) return join(folder, name);
  }
  return undefined;
}

/** The part of koffi that is used here. */
interface Koffi {
  load(path: string): { func(prototype: string): (...args: unknown[]) => unknown };
}

const SGEMM =
  'void cblas_sgemm(int order, int transA, int transB, int m, int n, int k, float alpha, const float *A, int lda, const float *B, int ldb, ' +
  'float beta, _Inout_ float *C, int ldc)';

export const openblas: Peer = {
  name: 'openblas',
  device: 'cpu',
  threaded: true,
  summary: "the system's OpenBLAS, native CPU kernels, through koffi",
  needs: {
    npm: { koffi: '3.3.4' },
    system: { name: 'libopenblas', command: 'apt-get install libopenblas0-pthread', find: findLibrary },
  },
  supports: (asked) => gemmRefusal(asked, { epilogue: false }),
  async open(place, { threads }) {
    const path = findLibrary();
    if (!path) throw new PeerError('openblas: the library is gone; run: apt-get install libopenblas0-pthread');
    // Idle threads spin for 2^20 cycles instead of 2^26, some 100 ms, in which a parked arm would disturb the others. Read when the library loads.
    process.env.OPENBLAS_THREAD_TIMEOUT ??= '20';
    const library = (place.load('koffi') as Koffi).load(path);
    const sgemm = library.func(SGEMM);
    const configuration = String(library.func('const char *openblas_get_config()')());
    library.func('void openblas_set_num_threads(int threads)')(threads);
    const core = String(library.func('const char *openblas_get_corename()')());
    return {
      versions: () => ({ openblas: configuration.trim(), core, library: path, koffi: place.version('koffi') }),
      async prepare(asked, { A, B }) {
        const gemm = asMatmul(asked);
        const { batch, m, n, k, alpha, transposeA, transposeB } = gemm;
        const C = new Float32Array(matmulOperands(gemm).C);
        const [flagA, flagB] = [transposeA, transposeB].map((flag) => (flag ? TRANSPOSE : NO_TRANSPOSE));
        // One view a matrix, made once: a call through koffi takes typed arrays as they are.
        const slice = (all: Float32Array, size: number, i: number) => all.subarray(i * size, (i + 1) * size);
        const matrices = Array.from({ length: batch }, (_, i) => [slice(A, m * k, i), slice(B, k * n, i), slice(C, m * n, i)]);
        return {
          run() {
            for (const [a, b, c] of matrices)
              sgemm(ROW_MAJOR, flagA, flagB, m, n, k, alpha, a, transposeA ? m : k, b, transposeB ? k : n, 0, c, n);
          },
          read: async () => C.slice(),
          close: () => undefined,
        };
      },
      close: () => undefined,
    };
  },
};

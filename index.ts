// The package's front door: everything of `tilebench/kernels`, and later of `tilebench/framework`.

export * from './kernels/index.ts';

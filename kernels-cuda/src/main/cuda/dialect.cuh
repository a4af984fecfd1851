// What the kernel files ask of a vendor's compiler beyond CUDA's own words: NVIDIA's answers. The file
// of the same name in kernels-hip translates CUDA's words for AMD; the CPU test double brings its own.
#ifndef ANNEAL_DIALECT_CUH
#define ANNEAL_DIALECT_CUH

// Threads that run in step.
#define WAVE 32

// Shared memory that a block can have when it asks: the least of all GPUs that are compiled for.
#define SHARED_BYTES (99 << 10)

#ifndef ANNEAL_DOUBLE
// A kernel of at most `threads` threads per block.
#define KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
// Shared memory whose size the launch gives, at a multiple of 16 bytes.
#define DYNAMIC_SHARED(type, name)      \
  extern __shared__ uint4 all_shared[]; \
  type* name = reinterpret_cast<type*>(all_shared)
#define UNROLL _Pragma("unroll")
#define UNROLL_BY(n) UNROLL_PRAGMA(unroll n)
#define UNROLL_PRAGMA(text) _Pragma(#text)
#endif

#endif

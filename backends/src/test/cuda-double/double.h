// What CUDA and HIP give a kernel, on a CPU: put before a kernel file by the double's compiler. Each GPU
// thread is a fiber (fibers.cpp); a block runs on one host thread, so __shared__ is thread-local.
#pragma once
#define ANNEAL_DOUBLE

// C's own headers, and no more of <cmath> than kernels use: it takes longer to read than most of
// them, and each is compiled many times.
#include <stdint.h>
#include <string.h>

extern "C" {
float exp2f(float) noexcept;
float fmaf(float, float, float) noexcept;
float fmaxf(float, float) noexcept;
float sqrtf(float) noexcept;
double sqrt(double) noexcept;
}

#define __device__
#define __global__
#define __forceinline__ inline
#define __align__(n) __attribute__((aligned(n)))
#ifdef ANNEAL_RACES
// One host thread runs all blocks then, and the loader's own work for thread-locals would show.
#define __shared__ static
#else
#define __shared__ static thread_local
#endif
// Threads that run in step: as the kernel file is compiled for.
#ifndef WAVE
#define WAVE 32
#endif
#define KERNEL(threads, ...) extern "C" void
#define DYNAMIC_SHARED(type, name) type* name = reinterpret_cast<type*>(double_dynamic_shared())
#define UNROLL
#define UNROLL_BY(n)

struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};

inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

template <class To, class From>
inline To double_bits(From x) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &x, sizeof to);
  return to;
}

inline float __uint_as_float(unsigned x) { return double_bits<float>(x); }
inline float __int_as_float(int x) { return double_bits<float>(x); }
inline unsigned __float_as_uint(float x) { return double_bits<unsigned>(x); }

template <class T>
inline T __ldcs(const T* from) {
  return *from;
}
template <class T>
inline void __stcs(T* to, T x) {
  *to = x;
}

inline int atomicAdd(int* to, int x) { return __atomic_fetch_add(to, x, __ATOMIC_RELAXED); }

// ---- what fibers.cpp gives ----

#pragma GCC visibility push(default)

struct DoubleIndex {
  unsigned x, y, z;
};

struct DoubleThread {
  DoubleIndex thread, block, blocks, threads;
};

extern thread_local DoubleThread* double_current;

#define threadIdx (double_current->thread)
#define blockIdx (double_current->block)
#define gridDim (double_current->blocks)
#define blockDim (double_current->threads)

// Waits for all threads of the block; whoever waits at another line has diverged.
void double_block_barrier(int line);

// Waits for the lanes of `mask`; then what lane `from` brought.
uint64_t double_exchange(uint64_t mask, uint64_t value, int from, int line);

// Waits for the warp; then what its lanes brought, `bytes` of at most 64 each. Valid until the lane waits
// again.
struct alignas(64) double_slot {
  char bytes[64];
};
const double_slot* double_gather_slots(const void* own, int bytes, int line);

inline const void* double_gather(const void* own, int bytes, int line) {
  return double_gather_slots(own, bytes, line);
}

// Copies to shared memory that land when they are waited for.
struct double_copy {
  void* to;
  const void* from;  // or null for zeros
  int bytes, group;
};

void double_begin_copy(void* to, const void* from, int bytes);
void double_end_group();

// Takes the next copy of a group that is not among the last `later` ones; false when there is none.
bool double_next_copy(int later, double_copy* copy);

int double_lane();

void* double_dynamic_shared();

#pragma GCC visibility pop

#define __syncthreads() double_block_barrier(__LINE__)
#define __syncwarp() double_exchange(~0ull >> (64 - WAVE), 0, double_lane(), __LINE__)
#define __shfl_xor_sync(mask, x, offset) double_shuffle(mask, x, double_lane() ^ (offset), __LINE__)
#define __shfl_sync(mask, x, lane) double_shuffle(mask, x, lane, __LINE__)

template <class T>
inline T double_shuffle(uint64_t mask, T x, int from, int line) {
  static_assert(sizeof(T) <= 8);
  uint64_t bits = 0;
  memcpy(&bits, &x, sizeof x);
  bits = double_exchange(mask, bits, from, line);
  memcpy(&x, &bits, sizeof x);
  return x;
}

inline void double_wait_for_groups(int later) {
  for (double_copy copy; double_next_copy(later, &copy);) {
    for (int i = 0; i < copy.bytes / 4; i++) {
      static_cast<unsigned*>(copy.to)[i] =
          copy.from ? static_cast<const unsigned*>(copy.from)[i] : 0;
    }
  }
}

#include "mfma.h"

// ---- what a module tells the driver of each kernel ----

struct DoubleKernel {
  void (*call)(void (*function)(), void** parameters);
  void (*function)();
  int threads;  // launch bounds
  int wave;     // threads that run in step
  int count;
  int sizes[32];
};

template <class... A>
struct DoubleCaller {
  template <int... I>
  struct Indices {};
  template <int N, int... I>
  struct Count : Count<N - 1, N - 1, I...> {};
  template <int... I>
  struct Count<0, I...> {
    using type = Indices<I...>;
  };
  template <int... I>
  static void spread(void (*function)(A...), void** parameters, Indices<I...>) {
    function(*static_cast<A*>(parameters[I])...);
  }
  static void call(void (*function)(), void** parameters) {
    spread(reinterpret_cast<void (*)(A...)>(function), parameters,
           typename Count<sizeof...(A)>::type());
  }
};

template <class... A>
inline DoubleKernel double_kernel(void (*function)(A...), int threads) {
  return {&DoubleCaller<A...>::call, reinterpret_cast<void (*)()>(function), threads, WAVE,
          (int)sizeof...(A), {(int)sizeof(A)...}};
}

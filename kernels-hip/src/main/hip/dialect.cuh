// CUDA's words as AMD's compiler knows them, so that the kernel files of kernels-cuda are compiled for
// AMD as they are. Stands in place of that module's file of the same name.
//
// Nothing is included from HIP, whose headers differ among versions: only what clang itself has. Where
// HIP's run-time compiler has put its own headers first, the macros below hide them. The WAVE that the
// target has is given on the command line (-DWAVE=32 or 64), never asked of the compiler: its own macro
// for it is going away, and HIP's warpSize is a constant in some versions and none in others.
#ifndef ANNEAL_DIALECT_CUH
#define ANNEAL_DIALECT_CUH

#ifndef WAVE
#error "WAVE is 32 or 64: give -DWAVE"
#endif

// A workgroup's local memory on all GPUs that are compiled for; nobody has to ask.
#define SHARED_BYTES (64 << 10)

#ifndef ANNEAL_DOUBLE

#undef __device__
#undef __global__
#undef __shared__
#undef __forceinline__
#undef __align__
#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#define __shared__ __attribute__((shared))
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(n) __attribute__((aligned(n)))

// KERNEL(threads), or KERNEL(threads, waves) where the registers of a SIMD must have room for so many waves.
#define KERNEL(...) AMD_THIRD(__VA_ARGS__, AMD_RESIDENT_KERNEL, AMD_KERNEL, )(__VA_ARGS__)
#define AMD_THIRD(a, b, c, ...) c
#define AMD_KERNEL(threads) \
  extern "C" __global__ void __attribute__((amdgpu_flat_work_group_size(1, threads)))
#define AMD_RESIDENT_KERNEL(threads, waves) \
  AMD_KERNEL(threads) __attribute__((amdgpu_waves_per_eu(waves)))
#define DYNAMIC_SHARED(type, name)      \
  extern __shared__ uint4 all_shared[]; \
  type* name = reinterpret_cast<type*>(all_shared)
#define UNROLL _Pragma("unroll")
#define UNROLL_BY(n) UNROLL_PRAGMA(unroll n)
#define UNROLL_PRAGMA(text) _Pragma(#text)

// ---- vectors ----

typedef unsigned int AmdUint2 __attribute__((ext_vector_type(2)));
typedef unsigned int AmdUint4 __attribute__((ext_vector_type(4)));
typedef float AmdFloat2 __attribute__((ext_vector_type(2)));
typedef float AmdFloat4 __attribute__((ext_vector_type(4)));
#define uint2 AmdUint2
#define uint4 AmdUint4
#define float2 AmdFloat2
#define float4 AmdFloat4
#define make_uint2(x, y) (AmdUint2{x, y})
#define make_uint4(x, y, z, w) (AmdUint4{x, y, z, w})
#define make_float2(x, y) (AmdFloat2{x, y})
#define make_float4(x, y, z, w) (AmdFloat4{x, y, z, w})

// ---- where a thread is ----

struct AmdIndex {
  unsigned int x, y, z;
};
#undef threadIdx
#undef blockIdx
#undef blockDim
#undef gridDim
#define threadIdx                                                               \
  (AmdIndex{__builtin_amdgcn_workitem_id_x(), __builtin_amdgcn_workitem_id_y(), \
            __builtin_amdgcn_workitem_id_z()})
#define blockIdx                                                                  \
  (AmdIndex{__builtin_amdgcn_workgroup_id_x(), __builtin_amdgcn_workgroup_id_y(), \
            __builtin_amdgcn_workgroup_id_z()})
#define blockDim                                                                      \
  (AmdIndex{__builtin_amdgcn_workgroup_size_x(), __builtin_amdgcn_workgroup_size_y(), \
            __builtin_amdgcn_workgroup_size_z()})
// Blocks are whole, so that threads in all divide by them.
#define gridDim                                                                   \
  (AmdIndex{__builtin_amdgcn_grid_size_x() / __builtin_amdgcn_workgroup_size_x(), \
            __builtin_amdgcn_grid_size_y() / __builtin_amdgcn_workgroup_size_y(), \
            __builtin_amdgcn_grid_size_z() / __builtin_amdgcn_workgroup_size_z()})

__device__ __forceinline__ int amd_lane() {
#if WAVE == 64
  return (int)__builtin_amdgcn_mbcnt_hi(~0u, __builtin_amdgcn_mbcnt_lo(~0u, 0u));
#else
  return (int)__builtin_amdgcn_mbcnt_lo(~0u, 0u);
#endif
}

// ---- threads that wait for each other ----

__device__ __forceinline__ void amd_block_barrier() {
  __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup");
  __builtin_amdgcn_s_barrier();
  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup");
}

// A wave runs in step; only the compiler must not move memory accesses across.
__device__ __forceinline__ void amd_wave_barrier() {
  __builtin_amdgcn_fence(__ATOMIC_RELEASE, "wavefront");
  __builtin_amdgcn_wave_barrier();
  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "wavefront");
}

#undef __syncthreads
#undef __syncwarp
#define __syncthreads() amd_block_barrier()
#define __syncwarp() amd_wave_barrier()

// ---- shuffles: 32 bits at a time, by the address of the lane that has the value; there are no masks ----

template <class T>
__device__ __forceinline__ T amd_shuffle(T x, int lane) {
  static_assert(sizeof(T) % 4 == 0, "shuffles move words");
  union {
    T value;
    int words[sizeof(T) / 4];
  } u;
  u.value = x;
  UNROLL for (int i = 0; i < (int)(sizeof(T) / 4); i++) {
    u.words[i] = __builtin_amdgcn_ds_bpermute(lane << 2, u.words[i]);
  }
  return u.value;
}

#undef __shfl_sync
#undef __shfl_xor_sync
#define __shfl_sync(mask, x, lane) amd_shuffle(x, lane)
#define __shfl_xor_sync(mask, x, offset) amd_shuffle(x, amd_lane() ^ (offset))

// ---- memory ----

template <class T>
__device__ __forceinline__ T amd_load_once(const T* from) {
  return __builtin_nontemporal_load(from);
}

template <class T>
__device__ __forceinline__ void amd_store_once(T* to, T x) {
  __builtin_nontemporal_store(x, to);
}

#undef __ldcs
#undef __stcs
#define __ldcs(from) amd_load_once(from)
#define __stcs(to, x) amd_store_once(to, x)
#undef atomicAdd
#define atomicAdd(to, x) __hip_atomic_fetch_add(to, x, __ATOMIC_RELAXED, __HIP_MEMORY_SCOPE_AGENT)

// ---- numbers ----

#undef __uint_as_float
#undef __int_as_float
#undef __float_as_uint
#define __uint_as_float(x) __builtin_bit_cast(float, (unsigned int)(x))
#define __int_as_float(x) __builtin_bit_cast(float, (int)(x))
#define __float_as_uint(x) __builtin_bit_cast(unsigned int, (float)(x))
#undef fmaf
#define fmaf(x, y, z) __builtin_fmaf(x, y, z)

// The instruction is off by up to one unit in the last place, and compilers differ in whether they
// correct it; so it is corrected here: of the result and its two neighbours the one whose distance to
// the root changes sign. Small numbers are scaled, so that no residue is subnormal.
__device__ __forceinline__ float amd_sqrt(float x) {
  bool small = x < 0x1p-96f;
  float scaled = small ? x * 0x1p32f : x;
  float s = __builtin_amdgcn_sqrtf(scaled);
  float below = __uint_as_float(__float_as_uint(s) - 1u);
  float above = __uint_as_float(__float_as_uint(s) + 1u);
  float over = __builtin_fmaf(-below, s, scaled);
  float under = __builtin_fmaf(-above, s, scaled);
  float root = under > 0.0f ? above : over <= 0.0f ? below : s;
  root = small ? root * 0x1p-16f : root;
  return x == 0.0f || x == __builtin_inff() ? x : root;
}

// Two of Newton's steps after an instruction that is good to 26 bits.
__device__ __forceinline__ double amd_sqrt(double x) {
  if (!(x > 0.0) || x == __builtin_inf()) {
    return x < 0.0 ? __builtin_nan("") : x;
  }
  double s = __builtin_amdgcn_sqrt(x);
  s = 0.5 * (s + x / s);
  return 0.5 * (s + x / s);
}

#undef sqrtf
#undef sqrt
#define sqrtf(x) amd_sqrt((float)(x))
#define sqrt(x) amd_sqrt((double)(x))

#endif
#endif

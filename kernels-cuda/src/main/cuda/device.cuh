// What every kernel file shares: number formats, 128-bit packs, reductions, exp and log.
//
// Nothing is included from a vendor's toolkit, since compilers as libraries have no headers: this text
// and dialect.cuh are all there is, for NVRTC, nvcc, AMD's compilers and, under ANNEAL_DOUBLE, the C++
// compiler that builds the CPU test double.
//
// Numbers are computed in the order written, and multiplications are fused with additions only where
// fmaf says so: compile with -fmad=false. Division and square root are IEEE's. So a kernel has the
// same bits on every GPU, and on the CPU.
#ifndef ANNEAL_DEVICE_CUH
#define ANNEAL_DEVICE_CUH

#include "dialect.cuh"

typedef unsigned int uint32;
typedef unsigned short uint16;
typedef unsigned long long uint64;

static constexpr int WARP = WAVE;
#if WAVE == 64
static constexpr uint64 ALL_LANES = ~0ull;
#else
static constexpr uint32 ALL_LANES = ~0u;
#endif
#define INFINITY_F __int_as_float(0x7f800000)
#define NAN_F __int_as_float(0x7fc00000)

// ---- number formats ----

// bfloat16 in memory; arithmetic is in float.
struct bf16 {
  uint16 bits;
};

// The format of this module's activations, of their gradients, and of the weights that products read.
// Parameters, their gradients, moments, statistics and sums are floats in either.
#ifdef ANNEAL_BF16
typedef bf16 real;
#else
typedef float real;
#endif

__device__ __forceinline__ float to_float(float x) {
  return x;
}

__device__ __forceinline__ float to_float(bf16 x) {
  return __uint_as_float((uint32)x.bits << 16);
}

__device__ __forceinline__ void from_float(float x, float& to) {
  to = x;
}

// Rounds to nearest, ties to even; NaN stays NaN. A choice of two numbers, since some compilers make
// branches of two ways.
__device__ __forceinline__ void from_float(float x, bf16& to) {
  uint32 bits = __float_as_uint(x);
  uint32 nearest = bits + 0x7fffu + ((bits >> 16) & 1u);
  bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
  to.bits = (uint16)((nan ? bits | 0x00400000u : nearest) >> 16);
}

template <class T>
__device__ __forceinline__ T rounded(float x) {
  T to;
  from_float(x, to);
  return to;
}

// ---- 128-bit packs ----

// As many numbers as one 128-bit load brings.
template <class T>
struct __align__(16) Pack {
  static constexpr int N = 16 / (int)sizeof(T);
  T v[N];

  __device__ __forceinline__ float get(int i) const {
    return to_float(v[i]);
  }
  __device__ __forceinline__ void set(int i, float x) {
    from_float(x, v[i]);
  }
};

static constexpr int PACK = Pack<real>::N;

template <class T>
__device__ __forceinline__ Pack<T> unpacked(uint4 bits) {
  union {
    uint4 bits;
    Pack<T> pack;
  } u;
  u.bits = bits;
  return u.pack;
}

template <class T>
__device__ __forceinline__ uint4 packed(const Pack<T>& pack) {
  union {
    uint4 bits;
    Pack<T> pack;
  } u;
  u.pack = pack;
  return u.bits;
}

// For what is read again: through all caches.
template <class T>
__device__ __forceinline__ Pack<T> load_pack(const T* from) {
  return unpacked<T>(*reinterpret_cast<const uint4*>(from));
}

// For what is read once: evicted first.
template <class T>
__device__ __forceinline__ Pack<T> load_pack_once(const T* from) {
  return unpacked<T>(__ldcs(reinterpret_cast<const uint4*>(from)));
}

template <class T>
__device__ __forceinline__ void store_pack(T* to, const Pack<T>& pack) {
  *reinterpret_cast<uint4*>(to) = packed<T>(pack);
}

// For what is not read again soon: evicted first.
template <class T>
__device__ __forceinline__ void store_pack_once(T* to, const Pack<T>& pack) {
  __stcs(reinterpret_cast<uint4*>(to), packed<T>(pack));
}

// `count` numbers of a row, zeros after them. With `aligned`, which is the same for all threads, the
// row is a whole number of packs and count is N.
template <class T>
__device__ __forceinline__ Pack<T> load_some(const T* from, int count, bool aligned) {
  if (aligned) {
    return load_pack(from);
  }
  Pack<T> pack;
  UNROLL for (int k = 0; k < Pack<T>::N; k++) {
    if (k < count) {
      pack.v[k] = from[k];
    } else {
      pack.set(k, 0.0f);
    }
  }
  return pack;
}

template <class T>
__device__ __forceinline__ void store_some(T* to, const Pack<T>& pack, int count, bool aligned) {
  if (aligned) {
    store_pack(to, pack);
    return;
  }
  UNROLL for (int k = 0; k < Pack<T>::N; k++) {
    if (k < count) {
      to[k] = pack.v[k];
    }
  }
}

// Four numbers as floats, `count` of them there and zeros after; with `aligned`, all four are, and lie
// at a multiple of four.
__device__ __forceinline__ float4 load_four(const float* from, int count, bool aligned) {
  if (aligned && count >= 4) {
    return *reinterpret_cast<const float4*>(from);
  }
  return make_float4(count > 0 ? from[0] : 0.0f, count > 1 ? from[1] : 0.0f,
                     count > 2 ? from[2] : 0.0f, count > 3 ? from[3] : 0.0f);
}

__device__ __forceinline__ float4 load_four(const bf16* from, int count, bool aligned) {
  if (aligned && count >= 4) {
    uint2 bits = *reinterpret_cast<const uint2*>(from);
    return make_float4(__uint_as_float(bits.x << 16), __uint_as_float(bits.x & 0xffff0000u),
                       __uint_as_float(bits.y << 16), __uint_as_float(bits.y & 0xffff0000u));
  }
  return make_float4(count > 0 ? to_float(from[0]) : 0.0f, count > 1 ? to_float(from[1]) : 0.0f,
                     count > 2 ? to_float(from[2]) : 0.0f, count > 3 ? to_float(from[3]) : 0.0f);
}

__device__ __forceinline__ int lesser(int a, int b) {
  return a < b ? a : b;
}

// ---- reductions, in a fixed order ----

// The sum over a warp, in all its lanes: lane i with i ^ WARP / 2, then half of that, down to 1. Every lane adds the
// same numbers in the same tree, since addition commutes.
__device__ __forceinline__ float warp_sum(float x) {
  UNROLL for (int offset = WARP / 2; offset > 0; offset /= 2) {
    x += __shfl_xor_sync(ALL_LANES, x, offset);
  }
  return x;
}

__device__ __forceinline__ double warp_sum(double x) {
  UNROLL for (int offset = WARP / 2; offset > 0; offset /= 2) {
    x += __shfl_xor_sync(ALL_LANES, x, offset);
  }
  return x;
}

// The larger of two; NaN when one is.
__device__ __forceinline__ float larger(float a, float b) {
  return a > b || a != a ? a : b;
}

__device__ __forceinline__ float warp_max(float x) {
  UNROLL for (int offset = WARP / 2; offset > 0; offset /= 2) {
    x = larger(x, __shfl_xor_sync(ALL_LANES, x, offset));
  }
  return x;
}

// The sum over a block of whole warps, in all its threads. `partial` is shared memory of one number
// per warp; it may be used again after the next barrier.
__device__ __forceinline__ float block_sum(float x, float* partial) {
  int warps = blockDim.x / WARP;
  x = warp_sum(x);
  if (threadIdx.x % WARP == 0) {
    partial[threadIdx.x / WARP] = x;
  }
  __syncthreads();
  x = threadIdx.x % WARP < warps ? partial[threadIdx.x % WARP] : 0.0f;
  return warp_sum(x);
}

__device__ __forceinline__ float block_max(float x, float* partial) {
  int warps = blockDim.x / WARP;
  x = warp_max(x);
  if (threadIdx.x % WARP == 0) {
    partial[threadIdx.x / WARP] = x;
  }
  __syncthreads();
  x = threadIdx.x % WARP < warps ? partial[threadIdx.x % WARP] : -INFINITY_F;
  return warp_max(x);
}

// ---- largest sizes, which formats of 8 bits are scaled by: the kernel that makes a tensor finds them ----

template <class T>
__device__ __forceinline__ float size_of(T x) {
  return __uint_as_float(__float_as_uint(to_float(x)) & 0x7fffffffu);
}

// The largest of `max` and the sizes of a pack's numbers; NaN when one is.
template <class T>
__device__ __forceinline__ float larger_of(float max, const Pack<T>& pack) {
  UNROLL for (int k = 0; k < Pack<T>::N; k++) {
    max = larger(max, size_of(pack.v[k]));
  }
  return max;
}

// The largest of a block's threads to its place in `largest`, unless that is null.
__device__ __forceinline__ void store_largest(float* largest, float max) {
  __shared__ float maxima[WARP];
  if (largest) {
    max = block_max(max, maxima);
    if (threadIdx.x == 0) {
      largest[blockIdx.x] = max;
    }
  }
}

// ---- exp, log: our own polynomials, the same in every kernel language ----
// Coefficients: Moshier, Cephes, single precision.

// e^x to 1 unit in the last place for x in [-87.3, 88]; beyond, the value at the end.
__device__ __forceinline__ float exp_poly(float x) {
  x = x > 88.0f ? 88.0f : x;
  x = x < -87.3f ? -87.3f : x;
  // Adding and subtracting 1.5 * 2^23 rounds to an integer, which the low bits then hold.
  float shifted = fmaf(x, 1.44269504f, 12582912.0f);
  float n = shifted - 12582912.0f;
  float r = fmaf(n, -0.693359375f, x);
  r = fmaf(n, 2.12194440e-4f, r);
  float p = fmaf(r, 1.9875691500e-4f, 1.3981999507e-3f);
  p = fmaf(p, r, 8.3334519073e-3f);
  p = fmaf(p, r, 4.1665795894e-2f);
  p = fmaf(p, r, 1.6666665459e-1f);
  p = fmaf(p, r, 5.0000001201e-1f);
  float y = fmaf(p, r * r, r) + 1.0f;
  return __uint_as_float(__float_as_uint(y) + (__float_as_uint(shifted) << 23));
}

// ln x to 1 unit in the last place for normal positive x; NaN for NaN.
__device__ __forceinline__ float log_poly(float x) {
  if (!(x > 0.0f) || x == INFINITY_F) {
    return x == 0.0f ? -INFINITY_F : x > 0.0f ? x : NAN_F;
  }
  uint32 bits = __float_as_uint(x);
  int exponent = (int)(bits >> 23) - 126;
  float m = __uint_as_float((bits & 0x007fffffu) | 0x3f000000u);
  if (m < 0.70710678f) {
    exponent -= 1;
    m = m + m - 1.0f;
  } else {
    m = m - 1.0f;
  }
  float z = m * m;
  float p = 7.0376836292e-2f;
  p = fmaf(p, m, -1.1514610310e-1f);
  p = fmaf(p, m, 1.1676998740e-1f);
  p = fmaf(p, m, -1.2420140846e-1f);
  p = fmaf(p, m, 1.4249322787e-1f);
  p = fmaf(p, m, -1.6668057665e-1f);
  p = fmaf(p, m, 2.0000714765e-1f);
  p = fmaf(p, m, -2.4999993993e-1f);
  p = fmaf(p, m, 3.3333331174e-1f);
  float y = p * m * z;
  y = fmaf((float)exponent, -2.12194440e-4f, y);
  y = fmaf(z, -0.5f, y);
  return fmaf((float)exponent, 0.693359375f, m + y);
}

#endif

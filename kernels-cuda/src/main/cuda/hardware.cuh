// What the hardware converts in one instruction: 2^x, and pairs of floats to 16 and 8 bits. NVIDIA's
// instructions; kernels-hip has AMD's under the same names. Rounding to 16 and 8 bits gives software's
// bits (device.cuh, fp8.cuh), but for the sign and the payload of a NaN; 2^x does not give exp_poly's.
//
// Under ANNEAL_DOUBLE, and where an architecture lacks an instruction, software does the same.
#ifndef ANNEAL_HARDWARE_CUH
#define ANNEAL_HARDWARE_CUH

#include "fp8.cuh"

// 2^x to 2 units in the last place; 0 below -126.
__device__ __forceinline__ float fast_exp2(float x) {
#ifdef ANNEAL_DOUBLE
  return x < -126.0f ? 0.0f : exp2f(x);
#else
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#endif
}

// The larger of two; the other one when one is NaN.
__device__ __forceinline__ float larger_number(float a, float b) {
#ifdef ANNEAL_DOUBLE
  return fmaxf(a, b);
#else
  float y;
  asm("max.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
  return y;
#endif
}

// Two numbers, the first in the lower half, rounded to nearest, ties to even.
__device__ __forceinline__ uint32 pair(float first, float second) {
#ifdef ANNEAL_DOUBLE
  return (uint32)rounded<bf16>(first).bits | (uint32)rounded<bf16>(second).bits << 16;
#else
  uint32 bits;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(bits) : "f"(second), "f"(first));
  return bits;
#endif
}

// ---- 8 bits ----

// The two formats that the hardware converts to, by fp8.cuh's numbers.
static constexpr int FIRST_EIGHT = E4M3;
static constexpr int SECOND_EIGHT = E5M2;

// Two numbers in 8 bits, the first in the lower half: the nearest, ties to even, beyond the largest the
// largest. FORMAT is one of the two above.
template <int FORMAT>
__device__ __forceinline__ uint32 eights(float first, float second) {
#if !defined(ANNEAL_DOUBLE) && __CUDA_ARCH__ >= 890
  uint16 bits;
  if (FORMAT == E4M3) {
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(bits) : "f"(second), "f"(first));
  } else {
    asm("cvt.rn.satfinite.e5m2x2.f32 %0, %1, %2;" : "=h"(bits) : "f"(second), "f"(first));
  }
  return bits;
#else
  return (uint32)eight_of(first, FORMAT) | (uint32)eight_of(second, FORMAT) << 8;
#endif
}

// Four of the eight bytes of a and b, a's from 0 on and b's from 4 on, the first lowest.
template <int I0, int I1, int I2, int I3>
__device__ __forceinline__ uint32 bytes_of(uint32 a, uint32 b) {
#ifdef ANNEAL_DOUBLE
  uint64 all = (uint64)b << 32 | a;
  return (uint32)((all >> 8 * I0 & 0xff) | (all >> 8 * I1 & 0xff) << 8 |
                  (all >> 8 * I2 & 0xff) << 16 | (all >> 8 * I3 & 0xff) << 24);
#else
  uint32 bytes;
  asm("prmt.b32 %0, %1, %2, %3;"
      : "=r"(bytes)
      : "r"(a), "r"(b), "n"(I0 | I1 << 4 | I2 << 8 | I3 << 12));
  return bytes;
#endif
}

#endif
